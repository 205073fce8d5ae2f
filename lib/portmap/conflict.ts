/**
 * When two mappings want one port, and what is said about it.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { isSameContainer } from '../cni/spec/owner.js'
import { describeMapping, type Mapping } from './mapping.js'

/** A mapping with the tag of its owner. */
export interface HeldPort {
  /** The mapping. */
  readonly mapping: Mapping
  /** Tag of its owner. */
  readonly tag: string
}

/** Who stands in the way of a mapping. */
export interface Conflict {
  /** What is wanted. */
  readonly mapping: Mapping
  /** Tag of the owner that holds the port. */
  readonly holder: string
}

/** Ports that are held, found by their number: a container may have thousands. */
export class HeldPorts {
  readonly #byPort = new Map<string, HeldPort[]>()

  /** @param held who holds what */
  constructor(held: readonly HeldPort[]) {
    for (const one of held) this.add(one)
  }

  /** One more. */
  add(one: HeldPort): void {
    const key = keyOf(one.mapping)
    const there = this.#byPort.get(key)
    if (there) there.push(one)
    else this.#byPort.set(key, [one])
  }

  /**
   * The first of the mappings that another container holds, with its holder. What the owner's own
   * container holds by another interface is no conflict: a runtime gives each of a container's
   * networks the same ports.
   */
  conflict(mappings: readonly Mapping[], tag: string): Conflict | undefined {
    for (const mapping of mappings) {
      const other = this.#of(mapping).find((port) => !isSameContainer(port.tag, tag))
      if (other) return { mapping, holder: other.tag }
    }
    return undefined
  }

  /** Whether another interface of the owner's container has the very port. */
  waits(mapping: Mapping, tag: string): boolean {
    return this.#of(mapping).some(
      (port) =>
        port.tag !== tag &&
        port.mapping.hostAddress === mapping.hostAddress &&
        isSameContainer(port.tag, tag),
    )
  }

  #of(wanted: Mapping): HeldPort[] {
    const there = this.#byPort.get(keyOf(wanted)) ?? []
    return there.filter(({ mapping }) => overlaps(mapping, wanted))
  }
}

function keyOf({ protocol, hostPort }: Mapping): string {
  return `${protocol} ${hostPort}`
}

/** Whether some packet to the host could be meant by both: no hostAddress stands for all of them. */
function overlaps(a: Mapping, b: Mapping): boolean {
  return !a.hostAddress || !b.hostAddress || a.hostAddress === b.hostAddress
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
