import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Outcome } from './process.js'

/** A value as JSON has it. */
export type Json = null | boolean | number | string | Json[] | JsonObject
interface JsonObject {
  [key: string]: Json
}

/** A picture of a host's network and state that stays equal while nothing changes. */
export interface Snapshot {
  links: Json[]
  addresses: Json[]
  routes: Json[]
  rules: Json[]
  neighbours: Json[]
  nft: Json[]
  /** File name → content of the plug-ins' folders; empty files count as absent. */
  state: Record<string, Json>
  /** Switches of each link, when asked for. */
  sysctls: Json[]
}

/** What a picture is to hold beyond the kernel's objects. */
export interface SnapshotOptions {
  /** The folders of the plug-ins' files. */
  stateDirs?: readonly string[]
  /** Per-link switches too, such as `proxy_arp`; forwarding is one of them. */
  sysctls?: boolean | undefined
}

/** Runs a program in the namespace that is to be pictured. */
export type Exec = (command: string, args: readonly string[]) => Promise<Outcome>

// Counters and clocks run by themselves; handles grow with every change, undone or not.
const VOLATILE = new Set([
  'handle',
  'index',
  'packets',
  'bytes',
  'expires',
  'used',
  'valid_life_time',
  'preferred_life_time',
  'tentative',
  'cache',
  'pref',
])

/** Values in an order that does not depend on when they were made. */
export function sortedJson(values: readonly Json[]): Json[] {
  const keyed = values.map((value) => [JSON.stringify(value), value] as const)
  keyed.sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
  return keyed.map(([, value]) => value)
}

/** A value without what changes by itself. */
export function steady(value: Json): Json {
  if (Array.isArray(value)) return value.map(steady)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value)
    .filter(([key]) => !VOLATILE.has(key))
    .map(([key, inner]): [string, Json] => {
      const clean = steady(inner)
      // Elements of a set have no order of their own.
      return [key, key === 'elem' && Array.isArray(clean) ? sortedJson(clean) : clean]
    })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function pick(source: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(
    keys.flatMap((key) => (key in source ? [[key, source[key] as Json]] : [])),
  )
}

function link(raw: JsonObject): JsonObject {
  const info = (raw['linkinfo'] ?? {}) as JsonObject
  const slave = (info['info_slave_data'] ?? {}) as JsonObject
  const keys = [
    'ifindex',
    'ifname',
    'address',
    'mtu',
    'master',
    'promiscuity',
    'allmulti',
  ]
  return {
    ...pick(raw, [...keys, 'altnames', 'link', 'group']),
    up: (raw['flags'] as string[]).includes('UP'),
    ...pick(info, ['info_kind', 'info_slave_kind']),
    ...pick(slave, ['hairpin', 'isolated', 'neigh_suppress', 'learning', 'flood']),
  }
}

function addresses(raw: JsonObject): JsonObject[] {
  const list = (raw['addr_info'] ?? []) as JsonObject[]
  return list.map((info) => ({ dev: raw['ifname'] as Json, ...info }))
}

function route(raw: JsonObject): JsonObject {
  const flags = (raw['flags'] ?? []) as string[]
  // Whether the carrier is there yet is the link's affair.
  return { ...raw, flags: flags.filter((flag) => flag !== 'linkdown' && flag !== 'dead') }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** Content of all non-empty files below a folder; JSON is parsed. */
export function readState(folder: string): Record<string, Json> {
  if (!existsSync(folder)) return {}
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size > 0)
    .sort()
  return Object.fromEntries(
    files.map((path) => [relative(folder, path), parse(readFileSync(path, 'utf8'))]),
  )
}

// When the source was asked last: an ADD that finds its answer too old asks again, and whether it
// does depends on how fast the machine is.
const TIMES = new Set(['fetchedAt', 'failedAt'])

/** The state folder without times, and of locks only that they are there. */
function steadyState(folder: string): Record<string, Json> {
  const files = Object.entries(readState(folder)).map(([name, content]) => {
    if (name.endsWith('.lock')) return [name, null]
    const text = JSON.stringify(content, (key, value) =>
      TIMES.has(key) ? undefined : value,
    )
    return [name, JSON.parse(text)]
  })
  return Object.fromEntries(files) as Record<string, Json>
}

const SYSCTLS = [
  ...['forwarding', 'route_localnet', 'proxy_arp', 'rp_filter', 'arp_ignore'],
  ...['accept_local', 'send_redirects', 'proxy_ndp', 'disable_ipv6', 'accept_ra'],
]

async function readSysctls(exec: Exec): Promise<string[]> {
  const globs = SYSCTLS.map((name) => `ipv[46]/conf/*/${name}`).join(' ')
  const { stdout } = await exec('sh', ['-c', `cd /proc/sys/net && grep -H . ${globs}`])
  return stdout.trim().split('\n').sort()
}

type Reader = (...line: string[]) => Promise<JsonObject[]>

/** Reads the JSON objects that a program prints. */
function objectReader(exec: Exec): Reader {
  return async (command = '', ...args) => {
    const { code, stdout, stderr } = await exec(command, args)
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`)
    const value = JSON.parse(stdout.trim() || '[]') as Json
    const list = Array.isArray(value) ? value : (value as JsonObject)['nftables']
    // iproute2 prints an empty object for what it filtered out.
    return (list as JsonObject[]).filter((item) => Object.keys(item).length > 0)
  }
}

/** Reads an object of iproute2 that each family has its own list of. */
function familyReader(objects: Reader): Reader {
  return async (...args) => {
    const [v4, v6] = await Promise.all([
      objects('ip', '-4', '-j', ...args),
      objects('ip', '-6', '-j', ...args),
    ])
    return [
      ...v4.map((item) => ({ family: 'ipv4', ...item })),
      ...v6.map((item) => ({ family: 'ipv6', ...item })),
    ]
  }
}

/** Takes a picture through `exec`. */
export async function takeSnapshot(
  exec: Exec,
  options: SnapshotOptions = {},
): Promise<Snapshot> {
  const objects = objectReader(exec)
  const both = familyReader(objects)
  const [links, addrs, routes, rules, permanent, proxies, nft] = await Promise.all([
    objects('ip', '-j', '-d', 'link'),
    objects('ip', '-j', 'addr'),
    both('route', 'show', 'table', 'all'),
    both('rule'),
    both('neigh', 'show', 'nud', 'permanent'),
    both('neigh', 'show', 'proxy'),
    objects('nft', '-j', 'list', 'ruleset'),
  ])
  const tidy = (values: Json[]): Json[] => sortedJson(values.map(steady))
  return {
    links: tidy(links.map(link)),
    addresses: tidy(addrs.flatMap(addresses)),
    routes: tidy(routes.map(route)),
    rules: tidy(rules),
    neighbours: tidy([...permanent, ...proxies]),
    // The order of rules in a chain has a meaning: nft prints it and it is kept.
    nft: nft.filter((item) => !('metainfo' in item)).map(steady),
    state: Object.assign({}, ...(options.stateDirs ?? []).map(steadyState)),
    sysctls: options.sysctls ? await readSysctls(exec) : [],
  }
}

/** What `from` has more of than `other`: the same line may be there more than once. */
function surplus(from: readonly string[], other: readonly string[]): string[] {
  const rest = [...other]
  return from.filter((text) => {
    const at = rest.indexOf(text)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

/** The differences as lines: `- section {…}` was there before, `+ section {…}` is new. */
export function diffSnapshots(before: Snapshot, after: Snapshot): string[] {
  const lines = (value: Snapshot[keyof Snapshot]): string[] =>
    (Array.isArray(value) ? value : Object.entries(value)).map((item) =>
      JSON.stringify(item),
    )
  return (Object.keys(before) as (keyof Snapshot)[]).flatMap((section) => {
    const [old, now] = [lines(before[section]), lines(after[section])]
    return [
      ...surplus(old, now).map((text) => `- ${section} ${text}`),
      ...surplus(now, old).map((text) => `+ ${section} ${text}`),
    ]
  })
}
