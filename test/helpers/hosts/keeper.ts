import { writeFileSync } from 'node:fs'
import { missingRequirement } from '../demo/requirements.js'
import { runSync } from '../process.js'
import type { HostKind } from './host-kind.js'
import { HOSTS } from './index.js'
import { runMatrix, SHIPPED, type ReadyHost } from './matrix.js'
import type { HostReport } from './outcome.js'
import { isGreen, lines, markdown } from './table.js'
import { buildHost } from './zoo.js'

/** What the command line says. */
export interface ZooOptions {
  matrix: boolean
  json: boolean
  cycles: number
  /** Folder with the plug-ins. */
  cniPath: string
  /** File for the table. */
  write?: string | undefined
}

/** How it ended: an exit status, and what is to be said when nothing was begun. */
export interface ZooEnd {
  status: number
  message?: string
}

function print(...text: string[]): void {
  process.stdout.write(`${text.join('\n')}\n`)
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

function list(json: boolean): ZooEnd {
  const all = HOSTS.map(({ name, title, packages }) => ({ name, title, packages }))
  if (json) print(JSON.stringify(all, null, 2))
  else print(...all.map(({ name, title }) => `${name.padEnd(22)} ${title}`))
  return { status: 0 }
}

/** Debian packages of a host that are not installed. */
export function missingPackages({ packages }: HostKind): string[] {
  return packages.filter((name) => {
    const query = ['-W', '-f', '${db:Status-Status}', name]
    return runSync('dpkg-query', query).stdout !== 'installed'
  })
}

function obstacle(kinds: readonly HostKind[]): string | undefined {
  const missing = [...new Set(kinds.flatMap(missingPackages))]
  if (missing.length === 0) return undefined
  return `Debian packages are missing: apt-get install ${missing.join(' ')}`
}

function explainEntry({ kind, host, space, prepared }: ReadyHost): void {
  print(
    `${kind.name}: ${kind.title}. It stays up until Ctrl-C. To enter it:`,
    `  ${space.entry} bash`,
    'its fabric, and the second VM beside it:',
    ...[host.names.fabric, host.names.secondVm].map(
      (name) => `  nsenter --net=/run/netns/${name} bash`,
    ),
    'Its files are apart from those of this machine, for programs that know where:',
    ...Object.entries(host.env).map(([name, value]) => `  export ${name}=${value}`),
    ...(prepared.notes ?? []).map((note) => `  ${note}`),
  )
}

/** Waits for a signal, whose handler cleans up and ends the process. */
function untilSignal(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 60_000))
}

async function show(kind: HostKind, json: boolean): Promise<ZooEnd> {
  progress(`${kind.name}: building`)
  const ready = await buildHost(kind)
  const { host, space } = ready
  const facts = { host: kind.name, enter: space.entry, names: host.names, env: host.env }
  if (json) print(JSON.stringify(facts, null, 2))
  else explainEntry(ready)
  return untilSignal()
}

async function tryOne(kind: HostKind, options: ZooOptions): Promise<HostReport> {
  progress(`${kind.name}: building`)
  const ready = await buildHost(kind)
  const { cniPath, cycles } = options
  const tell = (what: string) => progress(`${kind.name}: ${what}`)
  try {
    return await runMatrix(ready, { cniPath, cycles, progress: tell })
  } finally {
    await ready.prepared.close?.()
    await ready.host.destroy()
  }
}

async function tryAllHosts(kinds: readonly HostKind[], options: ZooOptions) {
  const reports: HostReport[] = []
  for (const kind of kinds) {
    const report = await tryOne(kind, options)
    reports.push(report)
    if (!options.json) print(...lines(report))
  }
  if (options.json) print(JSON.stringify(reports, null, 2))
  if (options.write !== undefined) writeFileSync(options.write, markdown(reports))
  return { status: reports.every(isGreen) ? 0 : 1 }
}

/** Does what the command line says. */
export async function openZoo(
  names: readonly string[],
  options: ZooOptions,
): Promise<ZooEnd> {
  const { matrix, json, cniPath } = options
  const stranger = names.find((name) => !HOSTS.some((kind) => kind.name === name))
  if (stranger !== undefined)
    return { status: 2, message: `there is no host ${stranger}: npm run zoo lists them` }
  if (names.length === 0 && !matrix) return list(json)
  if (names.length > 1 && !matrix)
    return { status: 2, message: 'one host at a time is built, without --matrix' }
  const kinds = names.length === 0 ? HOSTS : names.map((name) => named(name))
  const missing = await missingRequirement({ 'cni-path': cniPath, conflist: SHIPPED })
  const message = missing ?? obstacle(kinds)
  if (message !== undefined) return { status: 1, message }
  return matrix ? tryAllHosts(kinds, options) : show(kinds[0]!, json)
}

/** The host of a name. */
export function named(name: string): HostKind {
  const kind = HOSTS.find((one) => one.name === name)
  if (!kind) throw new Error(`there is no host ${name}`)
  return kind
}
