/**
 * Ranges of addresses of both families.
 */
import { compareBytes, successor } from './bytes.js'
import { rangeOf, type AddressRange } from './prefix.js'

/**
 * Prefixes (or addresses) as ranges, sorted, IPv4 before IPv6, with those joined that overlap or
 * touch: an interval set of nftables takes no overlaps. Throws a TypeError for what is neither.
 */
export function mergeRanges(prefixes: readonly string[]): AddressRange[] {
  const merged: AddressRange[] = []
  const sorted = prefixes.map(rangeOf).sort((a, b) => compareBytes(a.first, b.first))
  for (const range of sorted) {
    const before = merged.at(-1)
    if (!before || !touches(before, range)) {
      merged.push(range)
    } else if (compareBytes(before.last, range.last) < 0) {
      merged[merged.length - 1] = { ...before, last: range.last }
    }
  }
  return merged
}

/** Whether a range that does not begin before another one leaves no gap behind it. */
function touches(before: AddressRange, range: AddressRange): boolean {
  if (before.family !== range.family) return false
  const next = successor(before.last)
  return next === undefined || compareBytes(range.first, next) <= 0
}
