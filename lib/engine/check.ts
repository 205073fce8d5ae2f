/**
 * Comparing an attachment with what is on record of it: record, host network, kernel, lease, ports.
 */
import { ownerTag, type Owner } from '../cni/spec/owner.js'
import { addressOf } from '../ip/index.js'
import type { NetNs } from '../netlink/index.js'
import { modeOf } from '../vnet/index.js'
import type { Engine } from './engine.js'
import { isWhole } from './networks.js'
import { checkPorts } from './ports.js'
import type { NodeState, ReadyRecord } from './records.js'
import { recordOf } from './state.js'

/** What a door asks for. */
export interface CheckRequest {
  readonly owner: Owner
  /** The container's namespace; absent when the host's side alone is to be looked at. */
  readonly sandbox?: NetNs | undefined
  /** Addresses, with prefix length, that the caller was told when it attached the container. */
  readonly expected?: readonly string[] | undefined
  /**
   * The addresses, with prefix length, that IPAM holds for the owner; undefined when it cannot say.
   *
   * @param recorded name of the IPAM plug-in that gave them
   */
  leased(recorded: string | undefined): Promise<readonly string[] | undefined>
}

/**
 * Compares an attachment with its record. Takes no lock and changes nothing.
 *
 * @returns each difference in a sentence that names the thing; empty when all is as it should be
 * @throws NetlinkError, SyscallError, StateError when it cannot be looked at
 */
export async function check(engine: Engine, request: CheckRequest): Promise<string[]> {
  const state = engine.store.read()
  const record = recordOf(state, request.owner)
  if (!record) return [`${ownerTag(request.owner)} has no record: it is not attached`]
  if (record.phase === 'adding') {
    return [`the ADD of ${ownerTag(request.owner)} has not ended`]
  }
  return [
    ...checkExpected(record, request.expected),
    ...checkKernel(engine, state, record, request.sandbox),
    ...checkLease(record, await request.leased(record.ipam)),
    ...(record.ports ? await checkPorts(engine, record.owner, record.ports) : []),
  ]
}

function checkExpected(
  { addresses, mode }: ReadyRecord,
  expected: readonly string[] | undefined,
): string[] {
  // A record of ports alone knows no addresses.
  if (!expected || !mode) return []
  const recorded = addresses.map(({ address }) => address)
  return [
    ...without(expected, recorded).map((one) => `${one} was told, but is not on record`),
    ...without(recorded, expected).map((one) => `${one} is on record, but was not told`),
  ]
}

function checkKernel(
  { kernel }: Engine,
  { networks }: NodeState,
  record: ReadyRecord,
  sandbox: NetNs | undefined,
): string[] {
  const { owner, addresses, mode: name, network: networkName = '' } = record
  if (!name) return []
  const network = networks[networkName]
  if (!network) return [`host network ${networkName} has no record`]
  return [
    ...(isWhole(kernel, network)
      ? []
      : [
          `host network ${network.name} over ${network.nic} is not as it should be; the next ADD or ` +
            '"vnet-cni repair" mends it',
        ]),
    ...modeOf(name).check(kernel, { owner, addresses, network, sandbox }),
  ]
}

function checkLease(
  { addresses, mode }: ReadyRecord,
  leased: readonly string[] | undefined,
): string[] {
  if (!leased || !mode) return []
  const recorded = addresses.map(({ address }) => address)
  return [
    ...without(recorded, leased).map((one) => `${one} has no lease: others may get it`),
    ...without(leased, recorded).map((one) => `${one} is leased, but is not on record`),
  ]
}

/** Those of the first list whose address the second lacks. */
function without(these: readonly string[], those: readonly string[]): string[] {
  const known = new Set(those.map(addressOf))
  return these.filter((one) => !known.has(addressOf(one)))
}
