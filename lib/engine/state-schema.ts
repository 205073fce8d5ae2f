/**
 * The shape of the node's document, and what an older program wrote brought up to date.
 */
import { hostLinkName, type Owner } from '../cni/spec/owner.js'
import type { CallId } from '../host/process-id.js'
import { portsShape } from '../portmap/backend.js'
import {
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  record,
  text,
  type Shape,
} from '../state/schema.js'
import { bridgeNetwork, hostMove } from '../vnet/bridge/record.js'
import type { AttachmentRecord, NodeState } from './state.js'

const ownerShape: Shape<Owner> = object({
  network: text,
  containerId: text,
  ifname: text,
})
const callShape: Shape<CallId> = object({ pid: number, start: text, call: number })

const adding = object({ phase: oneOf('adding'), owner: ownerShape, adder: callShape })
const ready = object({
  phase: oneOf('ready'),
  owner: ownerShape,
  mode: optional(oneOf('bridge')),
  network: optional(text),
  addresses: list(object({ address: text, mac: text })),
  links: object({ host: optional(text) }),
  ipam: optional(text),
  ports: optional(portsShape),
})

const attachment: Shape<AttachmentRecord> = (value, path) => {
  const { phase } = object({ phase: oneOf('adding', 'ready') })(value, path)
  return phase === 'adding' ? adding(value, path) : (ready(value, path) as never)
}

const current: Shape<NodeState> = object({
  networks: record(bridgeNetwork),
  attachments: record(attachment),
})

/** What version 1 had: bridges with one setting of SNAT for all, and pods with one address. */
const version1 = object({
  bridges: record(
    object({
      bridge: text,
      nic: text,
      phase: oneOf('moving', 'ready', 'leaving'),
      made: flag,
      move: hostMove,
      masquerade: optional(object({ except: list(text) })),
    }),
  ),
  endpoints: record((value, path) => {
    const { phase } = object({ phase: oneOf('adding', 'ready') })(value, path)
    return phase === 'adding'
      ? object({
          phase: oneOf('adding'),
          owner: ownerShape,
          adder: object({ pid: number, start: text }),
        })(value, path)
      : object({
          phase: oneOf('ready'),
          owner: ownerShape,
          bridge: text,
          address: text,
          mac: text,
        })(value, path)
  }),
})

/**
 * Takes data that was read from disk for the node's document.
 *
 * @throws TypeError that names the place that is wrong
 */
export function parseNodeState(data: unknown, version: number): NodeState {
  return version === 1 ? fromVersion1(data) : current(data, '')
}

function fromVersion1(data: unknown): NodeState {
  const { bridges, endpoints } = version1(data, '')
  const records = Object.entries(endpoints)
  const networksOn = (bridge: string) =>
    records.flatMap(([, one]) =>
      one.phase === 'ready' && one.bridge === bridge ? [one.owner.network] : [],
    )
  return {
    networks: mapValues(bridges, ({ bridge, masquerade, ...rest }) => ({
      ...rest,
      mode: 'bridge',
      name: bridge,
      // That program moved the host's network back with the last pod.
      lifetime: 'pods',
      masquerade: Object.fromEntries(
        (masquerade ? networksOn(bridge) : []).map((network) => [
          network,
          { except: masquerade?.except ?? [], auto: false },
        ]),
      ),
    })),
    attachments: Object.fromEntries(records.map(([key, one]) => [key, upToDate(one)])),
  }
}

type Version1Endpoint = ReturnType<typeof version1>['endpoints'][string]

function upToDate(one: Version1Endpoint): AttachmentRecord {
  if (one.phase === 'adding') {
    // Calls had no numbers: one to a process.
    return { phase: 'adding', owner: one.owner, adder: { ...one.adder, call: 0 } }
  }
  const { owner, bridge, address, mac } = one
  return {
    phase: 'ready',
    owner,
    mode: 'bridge',
    network: bridge,
    addresses: [{ address, mac }],
    links: { host: hostLinkName(owner) },
  }
}

function mapValues<A, B>(values: Record<string, A>, change: (value: A) => B) {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, change(value)]),
  )
}
