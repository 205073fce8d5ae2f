import { NetNs, type NetNsChild, type SpawnOptions } from '../../dist/esm/index.js'
import type { Outcome, RunOptions } from './process.js'
import { DEFAULT_TIMEOUT_MS, environment } from './process.js'
import { endOccupants } from './servers/occupants.mjs'

/** Makes named network namespaces. */
export function addNamespaces(names: readonly string[]): void {
  for (const name of names) NetNs.create({ name }).close()
}

/** Ends what runs in named namespaces and deletes them; absent ones are fine. */
export function deleteNamespaces(names: readonly string[]): void {
  const there = new Set(NetNs.list())
  for (const name of names.filter((one) => there.has(one))) {
    endOccupants(`/run/netns/${name}`)
    NetNs.delete(name)
  }
}

/** Starts a program in a named namespace. */
export function startIn(
  name: string,
  command: string,
  args: readonly string[],
  options: SpawnOptions,
): NetNsChild {
  using namespace = NetNs.openPinned(name)
  return namespace.spawn(command, args, options)
}

/** Runs a program in a named namespace to its end; rejects when it cannot be started at all. */
export async function runIn(
  name: string,
  command: string,
  args: readonly string[] = [],
  { env, cwd, input = '', timeoutMs = DEFAULT_TIMEOUT_MS }: RunOptions = {},
): Promise<Outcome> {
  const settings = { env: environment(env), ...(cwd !== undefined && { cwd }) }
  const child = startIn(name, command, args, settings)
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  // A program may end without reading its input: that is its right, not our failure.
  child.stdin!.on('error', () => {})
  child.stdin!.end(input)
  const read = async (stream: NodeJS.ReadableStream): Promise<string> => {
    let text = ''
    for await (const part of stream.setEncoding('utf8')) text += part
    return text
  }
  const [stdout, stderr, { code, signal }] = await Promise.all([
    read(child.stdout!),
    read(child.stderr!),
    child.exited,
  ])
  clearTimeout(timer)
  return { code, signal, stdout, stderr }
}

/** Whether eth0 has its IPv6 link-local address and the routes that follow it. */
export async function hasLinkLocal(name: string): Promise<boolean> {
  using namespace = NetNs.openPinned(name)
  const routes = await namespace.route.dump({ family: 'ipv6', link: 'eth0' })
  const local = routes.some(({ type, to }) => type === 'local' && to.startsWith('fe80::'))
  return local && routes.some(({ to }) => to.startsWith('ff00::/8'))
}
