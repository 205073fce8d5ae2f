/**
 * What plug-ins look for in the result of those before them.
 */
import { CniCode, CniError } from './errors.js'
import type { CniIp, CniResult } from './types.js'

/** Throws CniError 7 when a call has no prevResult, and needs one for the reason that is given. */
export function requirePrevResult(
  { prevResult }: { readonly prevResult?: CniResult | undefined },
  why: string,
  cure: string,
): CniResult {
  if (prevResult) return prevResult
  throw new CniError(CniCode.InvalidConfig, `prevResult is missing: ${why}`, cure)
}

/**
 * The addresses that are not known to be of another interface than `ifname`; those that are known to
 * be the container's come first. An `interface` that is no position in the list says nothing, as in
 * the reference plug-ins, and a main plug-in that leaves `sandbox` out, as Azure's does, means the
 * container all the same.
 */
export function ipsOn({ interfaces = [], ips = [] }: CniResult, ifname: string): CniIp[] {
  const linkOf = ({ interface: index = -1 }: CniIp) => interfaces[index]
  const all = ips.filter((ip) => (linkOf(ip)?.name ?? ifname) === ifname)
  const isKnown = (ip: CniIp) => !linkOf(ip) || Boolean(linkOf(ip)?.sandbox)
  return [...all.filter(isKnown), ...all.filter((ip) => !isKnown(ip))]
}
