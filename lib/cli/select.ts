/**
 * Which attachments an operator means by --container, --pod and --ifname.
 */
import { RefusedError } from './command.js'

/** What is compared of an attachment. */
export interface Candidate {
  readonly containerId: string
  readonly ifname: string
  /** Network, container and interface, for messages. */
  readonly label: string
  /** `NAMESPACE/NAME`; empty when it was attached without one, undefined when it is not known. */
  readonly pod: string | undefined
}

/** What was given; a container or a pod at least. */
export interface Wanted {
  readonly container: string | undefined
  readonly pod: string | undefined
  readonly ifname: string | undefined
}

/**
 * The attachments that fit all that was given. Names of pods are used again and containers are not:
 * a pod's name alone is enough only where one container has it.
 *
 * @throws RefusedError that lists the candidates, when it is not clear which are meant
 */
export function select<T extends Candidate>(all: readonly T[], wanted: Wanted): T[] {
  const { container, pod, ifname } = wanted
  const candidates = all.filter((one) => ifname === undefined || one.ifname === ifname)
  if (container !== undefined) return ofContainer(candidates, container, pod)
  const found = candidates.filter((one) => one.pod === pod)
  const containers = new Set(found.map(({ containerId }) => containerId))
  if (containers.size > 1) {
    throw refusal(`--pod ${pod}: ${containers.size} containers have it`, found)
  }
  const unknown = candidates.filter((one) => one.pod === undefined)
  if (found.length === 0 && unknown.length > 0) {
    throw refusal(`--pod ${pod}: it is not recorded, but records are damaged`, unknown)
  }
  return found
}

function ofContainer<T extends Candidate>(
  candidates: readonly T[],
  container: string,
  pod: string | undefined,
): T[] {
  const own = candidates.filter(({ containerId }) => containerId === container)
  if (pod === undefined) return own
  const found = own.filter((one) => one.pod === pod || one.pod === undefined)
  const near = candidates.filter((one) => own.includes(one) || one.pod === pod)
  if (found.length > 0 || near.length === 0) return found
  throw refusal(`--container ${container} and --pod ${pod} do not belong together`, near)
}

function refusal(why: string, candidates: readonly Candidate[]): RefusedError {
  const list = candidates.map(
    ({ label, pod }) => `${label} (${pod ? `pod ${pod}` : 'no pod known'})`,
  )
  return new RefusedError(
    `${why}: ${list.join(', ')}: choose one with --container alone, or with its own pod`,
  )
}
