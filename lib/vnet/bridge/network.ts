/**
 * The bridge over the NIC: made when it is first needed, mended when something took it away,
 * undone when it is released.
 */
import { hostLinkName, isHostLink } from '../../cni/spec/owner.js'
import { addressOf } from '../../ip/index.js'
import type { Address, Link, LinkLike, NetNs, Plan } from '../../netlink/index.js'
import { nicByMac, readFacts, type HostFacts } from '../facts.js'
import { planAccept, planNoAccept, readDockerUser } from '../firewall/docker.js'
import { checkHost, noNic, runMove } from './host-checks.js'
import type { NodeView, Pod } from '../mode.js'
import {
  BRIDGE_ALIAS,
  collectMove,
  mergeMoves,
  readMoveFacts,
  type HostMove,
  type MoveFacts,
} from './host-move.js'
import { planTakeOver, readLinkSettings } from './link-settings.js'
import {
  isMoved,
  planForgetRules,
  planMoveToBridge,
  planMoveToNic,
  planRestoreNic,
} from './move-plan.js'
import { dropTables, tables } from './network-tables.js'
import { planPodRoute } from './pod-route.js'
import type { BridgeNetwork } from './record.js'
import { acceptRaOver, planAcceptRa } from './router-advice.js'
import { LAYOUT } from './table-rules.js'
import {
  forgetTaken,
  noteTaken,
  planGiveBack,
  planTaken,
  withoutTaken,
  withTaken,
} from './taken.js'

/** The record to write down before the first step of a move. */
export function newBridge(
  host: NetNs,
  nic: Link,
  name: string,
  lifetime: BridgeNetwork['lifetime'],
): BridgeNetwork {
  const facts = readMoveFacts(host, nic.name)
  checkHost(facts, nic, name)
  const there = facts.links.find((link) => link.name === name)
  return {
    mode: 'bridge',
    name,
    nic: nic.name,
    phase: 'moving',
    made: !there || there.alias === BRIDGE_ALIAS,
    lifetime,
    move: plain(collectMove(facts, nic, name)),
    masquerade: {},
  }
}

// What a state file can hold: attributes kept as bytes stay with the kernel's own copy.
function plain(move: HostMove): HostMove {
  const text = JSON.stringify(move, (key, value: unknown) =>
    key === 'unknown' ? undefined : value,
  )
  return JSON.parse(text) as HostMove
}

/** A NIC that a record names, with what there is on the host, and the record with its name of now. */
interface Located {
  readonly facts: MoveFacts
  readonly nic: Link | undefined
  readonly record: BridgeNetwork
}

// A NIC can be renamed while it is up (Linux 6.2): its index and MAC stay.
function locate(host: NetNs, record: BridgeNetwork): Located {
  const facts = readMoveFacts(host, record.nic)
  const named = facts.links.find((link) => link.name === record.nic)
  if (named) return { facts, nic: named, record }
  const { index, mac } = record.move.nic
  const nic =
    facts.links.find((link) => link.index === index && link.mac === mac) ??
    nicByMac(facts.links, mac, facts.addresses)
  if (!nic) return { facts, nic, record }
  const { name } = nic
  const move = { ...record.move, nic: { ...record.move.nic, name } }
  return { facts: readMoveFacts(host, name), nic, record: { ...record, nic: name, move } }
}

/** Brings the bridge into the state that its record wants; see Mode.ensureNetwork. */
export function ensureBridge(host: NetNs, view: NodeView, record: BridgeNetwork): void {
  const { facts: all, nic, ...followed } = locate(host, record)
  const facts = withoutTaken(all, record)
  if (!nic) throw noNic(record.nic)
  Object.assign(record, followed.record)
  checkHost(facts, nic, record.name)
  // Of the routes that the kernel makes, those for addresses that are taken are some too.
  const here = collectMove(all, nic, record.name)
  const existing = facts.links.find((link) => link.name === record.name)
  const move = withoutTaken(mergeMoves(here, mayBeMissing(record, existing)), record)
  const plan = host.plan()
  const { bridge: name, mtu } = move
  const bridge =
    existing?.index ??
    plan.link.add({
      kind: 'bridge',
      name,
      mac: nic.mac,
      mtu,
      alias: BRIDGE_ALIAS,
      up: true,
    })
  if (!existing) planTakeOver(plan, readLinkSettings(host, nic.name), nic, name)
  // Host ports and masqueraded traffic come in and go out by the bridge.
  plan.sysctl.set(`net/ipv4/conf/${name}/forwarding`, '1')
  if (record.made) planAcceptRa(plan, name, acceptRaOver(host, facts, nic, name))
  plan.nftables.commit(tables(host, view, record, move), {
    undo: dropTables(host, view, record),
  })
  if (existing && !existing.up) plan.link.set(existing.index, { up: true })
  if (existing && record.made && !existing.alias) {
    plan.link.set(existing.index, { alias: BRIDGE_ALIAS })
  }
  plugIn(plan, facts, { move, pods: view.podsOn(name) }, bridge)
  planTaken(plan, host, all, record)
  if (!isSettled(facts, move, existing, record)) {
    planMoveToBridge(plan, move, bridge, facts, record.made)
  }
  // Last, because it has no undo: a rule for a bridge that is not there does nothing.
  planAccept(plan, readDockerUser(host), name)
  runMove(plan, nic.name)
  record.phase = 'ready'
  record.layout = LAYOUT
}

// Pods whose bridge was taken away by hand come into the new one.
function plugIn(
  plan: Plan,
  facts: HostFacts,
  { move, pods }: { readonly move: HostMove; readonly pods: readonly Pod[] },
  bridge: LinkLike,
): void {
  for (const { owner, addresses } of pods) {
    const name = hostLinkName(owner)
    const link = facts.links.find((candidate) => candidate.name === name)
    if (!link || link.master === bridge) continue
    plan.link.set(link.index, { master: bridge })
    plan.bridgePort.set(link.index, { hairpin: true })
    for (const { address, mac } of addresses) {
      plan.neighbour.replace({ link: bridge, address: addressOf(address), mac })
      planPodRoute(plan, { move }, bridge, address)
    }
  }
}

/** Nothing is left on the NIC: only the tables can be wrong. */
function isSettled(
  facts: MoveFacts,
  move: HostMove,
  bridge: Link | undefined,
  record: BridgeNetwork,
): boolean {
  const nic = facts.links.find(({ index }) => index === move.nic.index)
  return (
    record.phase === 'ready' &&
    bridge !== undefined &&
    nic?.master === bridge.index &&
    isMoved(facts, move, bridge.index)
  )
}

/** What is on the NIC or the bridge now, in the record of one that is about to be released. */
export function prepareBridgeRelease(
  host: NetNs,
  recorded: BridgeNetwork,
): BridgeNetwork {
  const { facts, nic, record } = locate(host, recorded)
  const link = facts.links.find((candidate) => candidate.name === record.name)
  const move = nic
    ? mergeMoves(collectMove(facts, nic, record.name), mayBeMissing(record, link))
    : record.move
  return { ...record, phase: 'leaving', move: plain(withTaken(move, record)) }
}

// What was on the NIC can be missing on the host when a move did not end, or when somebody took
// the bridge away and all that was on it.
function mayBeMissing(
  record: BridgeNetwork,
  bridge: Link | undefined,
): HostMove | undefined {
  return record.phase === 'ready' && bridge ? undefined : record.move
}

/**
 * Puts the host's network back on the NIC and takes the bridge and the tables away. A bridge that
 * somebody else made stays.
 */
export function releaseBridge(
  host: NetNs,
  view: NodeView,
  recorded: BridgeNetwork,
): void {
  const { facts, nic, record } = locate(host, recorded)
  const link = facts.links.find((candidate) => candidate.name === record.name)
  const plan = host.plan()
  if (nic && record.made) {
    const now = collectMove(facts, nic, record.name)
    const move = withTaken(mergeMoves(now, record.move), record)
    if (link) planMoveToNic(plan, move, link.index, facts)
    else planRestoreNic(plan, move, facts)
    // What has no undo comes last.
    if (link) plan.link.del(link.index)
    planForgetRules(plan, move)
  } else {
    planGiveBack(plan, facts, record, record.taken ?? [])
  }
  plan.nftables.commit(dropTables(host, view, record))
  planNoAccept(plan, readDockerUser(host), record.name)
  plan.runSync()
}

/** Writes down which addresses of the host are to go; see Mode.take. */
export function takeAddresses(
  host: NetNs,
  record: BridgeNetwork,
  addresses: readonly Address[],
): void {
  const nic = readFacts(host).links.find(({ name }) => name === record.nic)
  if (!nic) throw noNic(record.nic)
  noteTaken(record, nic.index, addresses)
}

/** Gives the host addresses back that were taken; see Mode.giveBack. */
export function giveBackAddresses(
  host: NetNs,
  view: NodeView,
  record: BridgeNetwork,
  addresses: readonly string[],
): void {
  const facts = readFacts(host)
  const plan = host.plan()
  planGiveBack(plan, facts, record, forgetTaken(record, addresses))
  plan.runSync()
  // The table names the host's addresses.
  if (facts.links.some(({ name }) => name === record.name))
    ensureBridge(host, view, record)
}

/** A record for a bridge of ours whose record is lost; see Mode.adopt. */
export function adoptBridge(host: NetNs, name: string): BridgeNetwork | undefined {
  const { links } = readFacts(host)
  const bridge = links.find((link) => link.name === name)
  const nic = links.find(
    (link) => bridge && link.master === bridge.index && !isHostLink(link.name),
  )
  return nic && { ...newBridge(host, nic, name, 'node'), phase: 'ready' }
}
