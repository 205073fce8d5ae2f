/**
 * Host ports of an attachment: part of its record, so that whatever mends the one mends the other.
 */
import { ownerKey, ownerTag, sameOwner, type Owner } from '../cni/spec/owner.js'
import {
  portBackend,
  type OwnedPorts,
  type PortBackend,
  type PortsRecord,
} from '../portmap/backend.js'
import { linksWithoutForwarding } from '../portmap/forwarding.js'
import { localSockets } from '../portmap/sockets.js'
import type { Engine } from './engine.js'
import type { NodeState } from './records.js'
import { readyRecordOf, readyRecords } from './state.js'

/**
 * Makes host ports lead to an attachment; one that another main plug-in made gets a record for them. A
 * port where a program of the host waits is taken all the same, and the log says so.
 *
 * @throws CniError HostPortTaken naming the holder, NetlinkError; then nothing is left
 */
export async function mapPorts(
  engine: Engine,
  owner: Owner,
  wanted: PortsRecord,
): Promise<void> {
  const backend = await portBackend()
  const { clashes, served } = localSockets(engine.kernel, wanted.mappings)
  for (const clash of clashes) engine.log.warn(clash)
  for (const link of linksWithoutForwarding(engine.kernel, wanted.mappings)) {
    engine.log.warn(
      `host ports do not work for what comes by ${link}: set net.ipv4.conf.${link}.forwarding to 1`,
    )
  }
  const ports = served.length > 0 ? { ...wanted, served } : wanted
  // Written down first: what a crash leaves in the kernel has an owner then.
  await engine.store.update((state) => setPorts(state, owner, ports))
  try {
    await backend.add(engine.kernel, ownerTag(owner), ports)
  } catch (error) {
    await engine.store.update((state) => setPorts(state, owner, undefined))
    throw error
  }
}

/** Gives all of an attachment's ports back; needs no record, and repeats safely. */
export async function unmapPorts(engine: Engine, owner: Owner): Promise<void> {
  // Forgotten first: nobody restores them after they were taken away. On a full disk that fails; they
  // go all the same, and from the record with the next DEL.
  try {
    if (readyRecordOf(engine.store.read(), owner)?.ports) {
      await engine.store.update((state) => setPorts(state, owner, undefined))
    }
  } finally {
    await removePorts(engine, owner)
  }
}

/**
 * Takes an owner's ports from the kernel. Those that its container was given by several networks lead
 * to the next of them then.
 */
export async function removePorts(engine: Engine, owner: Owner): Promise<void> {
  const { kernel, log, store } = engine
  const backend = await portBackend()
  await backend.remove(kernel, ownerTag(owner))
  const heirs = portsOnRecord(store.read()).filter(
    (one) => one.owner.containerId === owner.containerId && !sameOwner(one.owner, owner),
  )
  if (heirs.length === 0) return
  const tags = await putBack(engine, heirs)
  if (tags.length > 0) log.info('host ports go on to another interface', { owners: tags })
}

/**
 * Where the kernel's ports of an owner differ from those that it should have, in words; empty when
 * they do not.
 */
export async function checkPorts(
  { kernel }: Pick<Engine, 'kernel'>,
  owner: Owner,
  ports: PortsRecord,
): Promise<string[]> {
  return (await portBackend()).check(kernel, ownerTag(owner), ports)
}

function setPorts(state: NodeState, owner: Owner, ports: PortsRecord | undefined): void {
  const key = ownerKey(owner)
  const record = readyRecordOf(state, owner)
  if (record) record.ports = ports
  else if (ports) {
    state.attachments[key] = { phase: 'ready', owner, addresses: [], links: {}, ports }
  }
  // A record that had ports alone has nothing left to say.
  if (!ports && record && !record.mode) delete state.attachments[key]
}

/**
 * For an ADD, whose plan can ask along whether the ports of others are there at all: a flush of the
 * ruleset takes all of them. Undefined when no attachment has any.
 */
export async function portsWatch(
  state: NodeState,
): Promise<PortBackend['planIsThere'] | undefined> {
  if (portsOnRecord(state).length === 0) return undefined
  return (await portBackend()).planIsThere
}

/** Puts back the ports of others; that it fails is their misfortune, and the log says so. */
export async function restoreFlushedPorts(
  engine: Engine,
  state: NodeState,
): Promise<void> {
  try {
    await restorePorts(engine, state)
  } catch (error) {
    engine.log.error('host ports are gone and cannot be put back', {
      error: String(error),
    })
  }
}

/**
 * Puts back the ports that are on record and gone, because somebody flushed the ruleset.
 *
 * @param state what the store said a moment ago; the store has the last word
 * @returns tags of the owners who have ports again
 */
export async function restorePorts(engine: Engine, state: NodeState): Promise<string[]> {
  const wanted = portsOnRecord(state)
  if (wanted.length === 0) return []
  const tags = await putBack(engine, wanted)
  if (tags.length > 0) {
    engine.log.warn('host ports were gone and are back', { owners: tags })
  }
  return tags
}

async function putBack(
  { kernel, log, store }: Engine,
  wanted: readonly RecordedPorts[],
): Promise<string[]> {
  const backend = await portBackend()
  const { tags, lost } = await backend.restore(kernel, wanted)
  for (const { tag, mapping, holder } of lost) {
    log.error('a host port was gone and is held by another now', { tag, mapping, holder })
  }
  // Who gave his ports back meanwhile must not have them again.
  const still = new Set(portsOnRecord(store.read()).map(({ tag }) => tag))
  for (const tag of tags) if (!still.has(tag)) await backend.remove(kernel, tag)
  return tags.filter((tag) => still.has(tag))
}

interface RecordedPorts extends OwnedPorts {
  readonly owner: Owner
}

function portsOnRecord(state: NodeState): RecordedPorts[] {
  return readyRecords(state).flatMap(({ owner, ports }) =>
    ports ? [{ owner, tag: ownerTag(owner), ports }] : [],
  )
}
