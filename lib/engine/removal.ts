/**
 * Taking an attachment away: for a detach, for an ADD that failed, and for what a dead call left.
 */
import { hostLinkName, ownerKey, ownerTag, type Owner } from '../cni/spec/owner.js'
import { allModes, modeOf, type DetachPlan, type Mode } from '../vnet/index.js'
import type { Link, NetNs } from '../netlink/index.js'
import type { Engine } from './engine.js'
import { releaseNetwork } from './host-network.js'
import type { NodeState, ReadyRecord } from './records.js'
import { isInUse, otherCallAt, readyRecordOf, recordOf, siblingsOf } from './state.js'

/** Where the kernel has addresses of an owner. */
interface Place extends DetachPlan {
  readonly mode: Mode
}

/** What there is of an owner to take away. */
export interface Remains {
  readonly owner: Owner
  readonly places: readonly Place[]
  /** Whether host ports may lead to it. */
  readonly ports: boolean
}

/**
 * What the state and the kernel know of an owner.
 *
 * @param hints names of host networks where to look when there is no record
 */
export function remainsOf(
  { kernel }: Pick<Engine, 'kernel'>,
  state: NodeState,
  owner: Owner,
  hints: readonly string[] = [],
): Remains {
  const record = readyRecordOf(state, owner)
  const ports = record?.ports !== undefined
  if (record?.mode) return { owner, places: [placeOf(state, record, record.mode)], ports }
  // Without a finished record, the kernel says which addresses are the owner's.
  const tag = ownerTag(owner)
  const links = readLinks(kernel)
  const places = allModes().flatMap((mode) =>
    namesOf(mode, links, state, hints).map((network) => ({
      mode,
      network,
      record: state.networks[network],
      owner,
      addresses: mode.pods(kernel, network).filter((pod) => pod.tag === tag),
      siblings: siblingsOf(state, owner, network),
      masqueraded: true,
    })),
  )
  return { owner, places, ports }
}

/** All host networks of a mode that there may be: a state that was lost knows of none. */
function namesOf(
  mode: Mode,
  links: readonly Link[],
  state: NodeState,
  hints: readonly string[],
): string[] {
  const found = links.filter((link) => mode.isOurs(link)).map(({ name }) => name)
  return [...new Set([...Object.keys(state.networks), ...hints, ...found])]
}

function readLinks(kernel: NetNs): Link[] {
  const plan = kernel.plan()
  // No pod's wire is a host network.
  const links = plan.link.dump({ master: null })
  return plan.runSync().of(links)
}

function placeOf(
  state: NodeState,
  { owner, network = '', addresses }: ReadyRecord,
  mode: NonNullable<ReadyRecord['mode']>,
): Place {
  const { networks, attachments } = state
  const record = networks[network]
  // What died while it gave the network Internet SNAT may have done so in the kernel alone.
  const isChanging = Object.values(attachments).some(
    (one) => one.phase === 'adding' && one.owner.network === owner.network,
  )
  return {
    mode: modeOf(mode),
    network,
    record,
    owner,
    addresses,
    siblings: siblingsOf(state, owner, network),
    masqueraded: !record || isChanging || record.masquerade[owner.network] !== undefined,
  }
}

/**
 * Takes away what the kernel has of an owner. What is gone already counts as done.
 * Throws the first failure after having tried all.
 */
export function removeRemains(
  { kernel }: Pick<Engine, 'kernel'>,
  { owner, places }: Remains,
): void {
  const plan = kernel.plan()
  for (const place of places) place.mode.planDetach(plan, kernel, place)
  plan.link.delIfExists(hostLinkName(owner))
  const [failure] = plan.runSync({ onFailure: 'continue' }).failures
  if (failure) throw failure
}

/** Both in one: what the state and the kernel know of an owner goes from the kernel. */
export function removeAttachment(
  engine: Pick<Engine, 'kernel'>,
  state: NodeState,
  owner: Owner,
  hints: readonly string[] = [],
): void {
  removeRemains(engine, remainsOf(engine, state, owner, hints))
}

/**
 * Forgets an attachment and releases the networks that end with it. Answers with what is
 * remembered then.
 *
 * @param unwanted networks that must not stay without pods either: a failed ADD made them
 */
export async function forgetAttachment(
  engine: Engine,
  owner: Owner,
  unwanted: ReadonlySet<string> = new Set(),
): Promise<NodeState> {
  const rest = await engine.store.update((state) => {
    // Who has it in hand takes back what the owner has now; a new ADD must not come in between.
    const inHand = otherCallAt(engine.host, recordOf(state, owner))
    if (!inHand) delete state.attachments[ownerKey(owner)]
    forgetSettings(state, owner.network)
    markEmpty(engine, state, unwanted)
    return state
  })
  await releaseLeaving(engine, rest)
  return rest
}

// The settings of a network without pods are those of nobody.
function forgetSettings({ networks, attachments }: NodeState, network: string): void {
  const isUsed = Object.values(attachments).some((one) => one.owner.network === network)
  if (isUsed) return
  for (const record of Object.values(networks)) {
    delete record.masquerade[network]
    if (record.unguarded) {
      record.unguarded = record.unguarded.filter((name) => name !== network)
    }
  }
}

/** Writes networks that end without pods down as leaving, before anything is done to them. */
function markEmpty(
  { kernel }: Engine,
  state: NodeState,
  unwanted: ReadonlySet<string>,
): void {
  for (const record of Object.values(state.networks)) {
    const { mode: name, name: network } = record
    const mode = modeOf(name)
    if (isInUse(state, network)) continue
    const ends = unwanted.has(network) || mode.endsWithPods(kernel, record)
    // The kernel knows pods whose records are lost.
    if (!ends || mode.pods(kernel, network).length > 0) continue
    state.networks[network] = mode.prepareRelease(kernel, record)
  }
}

/** Releases the networks that were marked, each under the lock, unless a pod came meanwhile. */
export async function releaseLeaving(
  engine: Engine,
  { networks }: NodeState,
): Promise<void> {
  for (const { name, phase } of Object.values(networks)) {
    if (phase !== 'leaving') continue
    await engine.store.update((state) => releaseIfUnused(engine, state, name))
  }
}

function releaseIfUnused(engine: Engine, state: NodeState, name: string): void {
  const record = state.networks[name]
  if (record?.phase !== 'leaving' || isInUse(state, name)) return
  const mode = modeOf(record.mode)
  if (mode.pods(engine.kernel, name).length > 0) return
  releaseNetwork(engine, state, record)
  delete state.networks[name]
}
