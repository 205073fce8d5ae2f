/**
 * What an ADD has to know of the addresses that the host uses itself.
 */
import { hostPart } from '../ip/index.js'
import type { Address } from '../netlink/index.js'
import {
  hostAddresses,
  readAddressesInUse,
  type LeasedAddress,
  type Mode,
  type NearFacts,
} from '../vnet/index.js'
import type { AttachRequest, Engine } from './engine.js'
import type { NodeState } from './records.js'
import { readyRecords } from './state.js'

/** The addresses that the host uses. Each member looks when it is first called. */
export interface HostSide {
  /** LeaseWish.inUse: what pods may take off the host is not in it. */
  readonly used: (leased: ReadonlySet<string>) => ReadonlyMap<string, string>
  /** LeaseWish.occupied. */
  readonly occupied: () => ReadonlyMap<string, string>
  /** Those of the leased addresses that the host has. */
  readonly toTake: (leased: readonly LeasedAddress[]) => Address[]
}

/** What an attachment is of this interest. */
interface Asker {
  readonly engine: Engine
  readonly request: AttachRequest
  readonly mode: Mode
}

/** Looks at the host for an attachment. */
export async function hostSideOf(
  { engine: { host, kernel, log }, request: { leases }, mode: { families } }: Asker,
  state: NodeState,
  facts: NearFacts,
): Promise<HostSide> {
  const takes = leases.takesHostAddresses === true
  const warn = (message: string) => log.warn(message)
  // Most lists take nothing off the host.
  const look = takes ? (await import('../vnet/takeable.js')).takeableAddresses : undefined
  let known: ReturnType<NonNullable<typeof look>> | undefined
  const takeable = () => (known ??= look?.(kernel, facts))
  return {
    used(leased) {
      host.checkpoint()
      // What is leased or on our own records is our own work.
      const ours = new Set([...leased, ...podsOnRecord(state)])
      const { links } = facts
      const { free, kept } = takeable() ?? {}
      const away = new Set(free?.values())
      const addresses = facts.addresses.filter((one) => !away.has(one))
      const options = { ours, warn, families, known: { links, addresses } }
      const used = readAddressesInUse(host, options)
      for (const [address, why] of kept ?? []) {
        const reason = used.get(address)
        if (reason !== undefined) used.set(address, `${reason}: ${why}`)
      }
      return used
    },
    occupied() {
      // IPAM may have been at work for long: this call may have been given up.
      host.checkpoint()
      const pods = podsOnRecord(state).map(
        (one) => [one, 'another pod of this node has it'] as const,
      )
      return new Map([...pods, ...hostAddresses(facts)])
    },
    toTake: (leased) =>
      leased.flatMap(({ address }) => takeable()?.free.get(hostPart(address)) ?? []),
  }
}

function podsOnRecord(state: NodeState): string[] {
  const pods = readyRecords(state).flatMap((record) => record.addresses)
  return pods.map(({ address }) => hostPart(address))
}
