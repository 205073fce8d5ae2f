/**
 * What the kernel tests share: running programs inside a namespace that a handle names, and the
 * namespaces of this process's threads.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import {
  NetNs,
  NetlinkError,
  SyscallError,
  type Done,
  type Plan,
  type SetElement,
} from 'vnet-cni'

export type Json = { readonly [key: string]: any }

/** The path by which another program can enter the namespace. */
export function pathOf(ns: NetNs): string {
  return `/proc/${process.pid}/fd/${ns.fd}`
}

/** Runs a program in a namespace and answers with what it printed; throws when it fails. */
export function inside(ns: NetNs, command: string, args: string[], input = ''): string {
  const argv = [`--net=${pathOf(ns)}`, command, ...args]
  const done = spawnSync('nsenter', argv, { encoding: 'utf8', input })
  if (done.error) throw done.error
  if (done.status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: status ${done.status}: ${done.stderr}`)
  }
  return done.stdout
}

/** Starts a program in a namespace. */
export function start(ns: NetNs, command: string, args: string[]) {
  return spawn('nsenter', [`--net=${pathOf(ns)}`, command, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

/** What `ip -j …` (or `bridge -j …`, with the program's name first) says in a namespace. */
export function json(ns: NetNs, line: string): Json[] {
  const [command = '', ...args] = line.split(' ')
  const text = inside(ns, command, ['-j', ...args]).trim()
  const list = JSON.parse(text || '[]') as Json[]
  // iproute2 prints an empty object for what it filtered out.
  return list.filter((item) => Object.keys(item).length > 0)
}

/** Runs lines of `ip` commands in a namespace. */
export function ip(ns: NetNs, ...lines: string[]): void {
  inside(ns, 'ip', ['-batch', '-'], lines.join('\n'))
}

/** The same for IPv6 alone: `ip -6`. */
export function ip6(ns: NetNs, ...lines: string[]): void {
  inside(ns, 'ip', ['-6', '-batch', '-'], lines.join('\n'))
}

/** Runs a plan that one function makes. */
export function act(ns: NetNs, make: (plan: Plan) => void): Done {
  const plan = ns.plan()
  make(plan)
  return plan.runSync()
}

/** Runs a plan with one reading verb and answers with what it read. */
export function read<T>(ns: NetNs, make: (plan: Plan) => Parameters<Done['of']>[0]): T {
  const plan = ns.plan()
  const ref = make(plan)
  return plan.runSync().of(ref) as T
}

/** The error that a plan ends with; throws when it ends well. */
export function refusal(ns: NetNs, make: (plan: Plan) => void): NetlinkError {
  try {
    act(ns, make)
  } catch (error) {
    if (error instanceof NetlinkError) return error
    throw error
  }
  throw new Error('the kernel took what it was to refuse')
}

/** The SyscallError that a call ends with. */
export function syscallError(call: () => unknown): SyscallError {
  try {
    call()
  } catch (error) {
    if (error instanceof SyscallError) return error
    throw error
  }
  throw new Error('the call succeeded')
}

/** A picture of a namespace that is equal to another when nothing has changed. */
export function picture(ns: NetNs): Json {
  const routes = (family: string) => json(ns, `ip ${family} route show table all`)
  const volatile = new Set(['valid_life_time', 'preferred_life_time', 'tentative'])
  const steady = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(steady)
    if (value === null || typeof value !== 'object') return value
    const entries = Object.entries(value).filter(([key]) => !volatile.has(key))
    return Object.fromEntries(entries.map(([key, inner]) => [key, steady(inner)]))
  }
  return {
    addresses: steady(json(ns, 'ip address')),
    routes: [...routes('-4'), ...routes('-6')],
    neighbours: json(ns, 'ip neighbour show nud permanent'),
    nft: inside(ns, 'nft', ['list', 'ruleset']),
  }
}

/** An element without its bytes, which say the same once more. */
export function plain({ key, data, comment }: SetElement): SetElement {
  return { key, ...(data && { data }), ...(comment !== undefined && { comment }) }
}

/** The namespaces of all threads of this process; one entry while all is well. */
export function threadNamespaces(): string[] {
  const tasks = readdirSync('/proc/self/task').flatMap((task) => {
    try {
      return [readlinkSync(`/proc/self/task/${task}/ns/net`)]
    } catch {
      // The thread ended meanwhile.
      return []
    }
  })
  return [...new Set([readlinkSync('/proc/thread-self/ns/net'), ...tasks])]
}
