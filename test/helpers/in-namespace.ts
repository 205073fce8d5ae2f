import type { NetNs } from '../../dist/esm/index.js'
import { CommandError, runSync } from './process.js'

/** Standard output of a program run inside an open namespace; throws when it fails. */
export function inside(ns: NetNs, args: readonly string[], input = ''): string {
  const path = `/proc/${process.pid}/fd/${ns.fd}`
  const outcome = runSync('nsenter', [`--net=${path}`, ...args], { input })
  if (outcome.code !== 0) throw new CommandError(args.join(' '), outcome)
  return outcome.stdout
}

/** The ruleset as the nft program tells it, without handles. */
export function nftJson(ns: NetNs): unknown[] {
  const json = inside(ns, ['nft', '-j', 'list', 'ruleset'])
  const { nftables } = JSON.parse(json) as { nftables: Record<string, unknown>[] }
  return nftables.slice(1).map((entry) => withoutHandles(entry))
}

function withoutHandles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHandles)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => name !== 'handle')
  return Object.fromEntries(entries.map(([name, v]) => [name, withoutHandles(v)]))
}

/** Loads a ruleset written for the nft program. */
export function nftLoad(ns: NetNs, text: string): void {
  inside(ns, ['nft', '-f', '-'], text)
}
