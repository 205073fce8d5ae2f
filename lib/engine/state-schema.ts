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
  text,
  type Shape,
  type ShapeOf,
} from '../state/schema.js'
import { Salvage, type Salvaged } from '../state/salvage.js'
import { bridgeNetwork, hostMove } from '../vnet/bridge/record.js'
import type { AttachmentRecord, NodeState } from './records.js'

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

/** What version 1 had: bridges with one setting of SNAT for all, and pods with one address. */
const bridgeOf1 = object({
  bridge: text,
  nic: text,
  phase: oneOf('moving', 'ready', 'leaving'),
  made: flag,
  move: hostMove,
  masquerade: optional(object({ except: list(text) })),
})
const addingOf1 = object({
  phase: oneOf('adding'),
  owner: ownerShape,
  adder: object({ pid: number, start: text }),
})
const readyOf1 = object({
  phase: oneOf('ready'),
  owner: ownerShape,
  bridge: text,
  address: text,
  mac: text,
})
const endpointOf1: Shape<ShapeOf<typeof addingOf1> | ShapeOf<typeof readyOf1>> = (
  value,
  path,
) => {
  const { phase } = object({ phase: oneOf('adding', 'ready') })(value, path)
  return phase === 'adding' ? addingOf1(value, path) : readyOf1(value, path)
}

/**
 * Takes data that was read from disk for the node's document. Of damaged data it answers with the
 * records that are whole: what the others said, the kernel knows by its tags.
 *
 * @throws TypeError when it is no object
 */
export function parseNodeState(
  data: unknown,
  version: number,
): NodeState | Salvaged<NodeState> {
  const members = object({})(data, '') as Record<string, unknown>
  const salvage = new Salvage()
  const state =
    version === 1
      ? fromVersion1(
          salvage.record(bridgeOf1, members['bridges'], 'bridges'),
          salvage.record(endpointOf1, members['endpoints'], 'endpoints'),
        )
      : {
          networks: salvage.record(bridgeNetwork, members['networks'], 'networks'),
          attachments: salvage.record(attachment, members['attachments'], 'attachments'),
        }
  return salvage.result(state)
}

function fromVersion1(
  bridges: Record<string, ShapeOf<typeof bridgeOf1>>,
  endpoints: Record<string, ShapeOf<typeof endpointOf1>>,
): NodeState {
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
      outdated: true,
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

function upToDate(one: ShapeOf<typeof endpointOf1>): AttachmentRecord {
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
