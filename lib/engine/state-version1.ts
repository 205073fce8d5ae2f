/**
 * What a program wrote whose document had version 1, brought up to date. Apart from what reads
 * today's documents, because hardly any call needs it.
 */
import { hostLinkName } from '../cni/spec/owner.js'
import { ownerShape } from '../state/owner-shape.js'
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
import type { Salvage } from '../state/salvage.js'
import { hostMove } from '../vnet/bridge/record.js'
import type { AttachmentRecord, NodeState } from './records.js'

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
const eitherOf1 = object({ phase: oneOf('adding', 'ready') })
const endpointOf1: Shape<ShapeOf<typeof addingOf1> | ShapeOf<typeof readyOf1>> = (
  value,
  path,
) => {
  const { phase } = eitherOf1(value, path)
  return phase === 'adding' ? addingOf1(value, path) : readyOf1(value, path)
}

/** Reads the data of a document of version 1; what is broken is noted and left out. */
export function readVersion1(
  members: Readonly<Record<string, unknown>>,
  salvage: Salvage,
): NodeState {
  return fromVersion1(
    salvage.record(bridgeOf1, members['bridges'], 'bridges'),
    salvage.record(endpointOf1, members['endpoints'], 'endpoints'),
  )
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
