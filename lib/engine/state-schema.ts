/**
 * The shape of the node's document.
 */
import type { CallId } from '../host/process-id.js'
import { portsShape } from '../portmap/backend.js'
import { ownerShape } from '../state/owner-shape.js'
import {
  list,
  number,
  object,
  oneOf,
  optional,
  text,
  type Shape,
} from '../state/schema.js'
import { Salvage, type Salvaged } from '../state/salvage.js'
import { bridgeNetwork } from '../vnet/bridge/record.js'
import type { AttachmentRecord, NodeState } from './records.js'
import { readVersion1 } from './state-version1.js'

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
  sandbox: optional(object({ path: text, dev: number, ino: number })),
  pod: optional(object({ uid: optional(text), name: optional(text) })),
  ports: optional(portsShape),
  taker: optional(callShape),
})

const either = object({ phase: oneOf('adding', 'ready') })

const attachment: Shape<AttachmentRecord> = (value, path) => {
  const { phase } = either(value, path)
  return phase === 'adding' ? adding(value, path) : (ready(value, path) as never)
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
      ? readVersion1(members, salvage)
      : {
          networks: salvage.record(bridgeNetwork, members['networks'], 'networks'),
          attachments: salvage.record(attachment, members['attachments'], 'attachments'),
        }
  return salvage.result(state)
}
