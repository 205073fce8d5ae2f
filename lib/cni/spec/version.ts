/**
 * CNI spec versions: which there are and what each of them can say.
 */

/** Every released version of the CNI spec, oldest first. */
export const CNI_VERSIONS = [
  '0.1.0',
  '0.2.0',
  '0.3.0',
  '0.3.1',
  '0.4.0',
  '1.0.0',
  '1.1.0',
] as const

/** What an absent or empty `cniVersion` stands for (as libcni reads it). */
export const DEFAULT_VERSION = '0.1.0'

/** How a result is laid out: `ip4`/`ip6`, `ips` with a `version`, or `ips` without. */
export type ResultLayout = '0.2' | '0.3' | '1'

/** The layout of results in a version; undefined when no such version was released. */
export function layoutOf(version: string): ResultLayout | undefined {
  if (!CNI_VERSIONS.some((known) => known === version)) return undefined
  if (!isAtLeast(version, '0.3.0')) return '0.2'
  return isAtLeast(version, '1.0.0') ? '1' : '0.3'
}

/** True when a version (`1.0.0`) is `least` or newer; false when it is no version. */
export function isAtLeast(version: string, least: string): boolean {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return false
  const [a, b] = [version, least].map((text) => text.split('.').map(Number))
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/** The newest of the given versions. */
export function newest(versions: readonly string[]): string {
  return versions.reduce((best, version) => (isAtLeast(version, best) ? version : best))
}
