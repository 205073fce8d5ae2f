/**
 * When two mappings want one port, and what is said about it.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { describeMapping, type Mapping } from './mapping.js'

/** A mapping with the tag of its owner. */
export interface HeldPort {
  /** The mapping. */
  readonly mapping: Mapping
  /** Tag of its owner. */
  readonly tag: string
}

/** Whether some packet to the host could be meant by both: no hostAddress stands for all of them. */
export function overlaps(a: Mapping, b: Mapping): boolean {
  return (
    a.protocol === b.protocol &&
    a.hostPort === b.hostPort &&
    (!a.hostAddress || !b.hostAddress || a.hostAddress === b.hostAddress)
  )
}

/** The first of the mappings that somebody else holds, with its holder. */
export function findConflict(
  held: readonly HeldPort[],
  mappings: readonly Mapping[],
  tag: string,
): { mapping: Mapping; holder: string } | undefined {
  const others = held.filter((port) => port.tag !== tag)
  for (const mapping of mappings) {
    const other = others.find((port) => overlaps(port.mapping, mapping))
    if (other) return { mapping, holder: other.tag }
  }
  return undefined
}

/** The error for a port that another owner holds (code 102). */
export function portTaken(mapping: Mapping, holder: string): CniError {
  return new CniError(
    CniCode.HostPortTaken,
    `host port ${describeMapping(mapping)} is held by ${holder}`,
    'Choose another hostPort, or remove that container first. ' +
      'A holder is named network/container/interface.',
  )
}
