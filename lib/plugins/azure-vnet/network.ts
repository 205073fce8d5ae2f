/**
 * The bridge over the NIC: made with the first pod, mended when something took it away, undone
 * with the last pod.
 */
import { CniCode, CniError } from '../../cni/spec/errors.js'
import { hostLinkName, ownerTag } from '../../cni/spec/owner.js'
import type { Link, LinkLike, NetNs, Plan } from '../../netlink/index.js'
import type { Transaction } from '../../nft/index.js'
import {
  bare,
  BRIDGE_ALIAS,
  bridgeTable,
  collectMove,
  dropTable,
  endpointsInMap,
  makeBridgeTable,
  makeMasqueradeTable,
  MASQUERADE_TABLE,
  mergeMoves,
  planMoveToBridge,
  planMoveToNic,
  planRestoreNic,
  readAcceptDad,
  readFacts,
  type HostFacts,
  type HostMove,
} from '../../vnet/index.js'
import {
  isInUse,
  podsOn,
  type BridgeRecord,
  type NodeState,
  type ReadyRecord,
} from './state.js'

/** The record to write down before the first step of a move. */
export function newBridgeRecord(
  host: NetNs,
  facts: HostFacts,
  nic: Link,
  bridge: string,
  masquerade: BridgeRecord['masquerade'],
): BridgeRecord {
  checkHost(facts, nic, bridge)
  const there = facts.links.find((link) => link.name === bridge)
  const made = !there || there.alias === BRIDGE_ALIAS
  const move = collectMove(facts, nic, bridge, readAcceptDad(host, nic.name))
  return { bridge, nic: nic.name, phase: 'moving', made, move: plain(move), masquerade }
}

// What a state file can hold: attributes kept as bytes stay with the kernel's own copy.
function plain(move: HostMove): HostMove {
  const text = JSON.stringify(move, (key, value: unknown) =>
    key === 'unknown' ? undefined : value,
  )
  return JSON.parse(text) as HostMove
}

function checkHost(facts: HostFacts, nic: Link, bridge: string): void {
  const taken = facts.links.find((link) => link.name === bridge)
  if (taken && taken.kind !== 'bridge') {
    throw new CniError(
      CniCode.UnexpectedHost,
      `bridge: ${bridge} is an interface of the host and no bridge`,
      'Choose another name for "bridge" in the network configuration.',
    )
  }
  const master = nic.master && facts.links.find((link) => link.index === nic.master)
  if (master && master.name !== bridge) {
    throw new CniError(
      CniCode.UnexpectedHost,
      `master: ${nic.name} is a port of ${master.name} already`,
      `Set "bridge" to ${master.name}, or take ${nic.name} out of it.`,
    )
  }
}

/**
 * Brings the bridge into the state that its record wants: all of it is safe to repeat. Call it
 * under the state's lock: two moves at once would take each other's addresses away.
 * Throws NetlinkError; then the host is as it was before the call.
 */
export function establishBridge(
  host: NetNs,
  state: NodeState,
  record: BridgeRecord,
): void {
  const facts = readFacts(host)
  const nic = facts.links.find((link) => link.name === record.nic)
  if (!nic) throw noNic(record.nic)
  checkHost(facts, nic, record.bridge)
  const here = collectMove(facts, nic, record.bridge, readAcceptDad(host, nic.name))
  const existing = facts.links.find((link) => link.name === record.bridge)
  const move = mergeMoves(here, mayBeMissing(record, existing))
  const plan = host.plan()
  const { bridge: name, mtu } = move
  const mac = nic.mac
  const bridge =
    existing?.index ??
    plan.link.add({ kind: 'bridge', name, mac, mtu, alias: BRIDGE_ALIAS, up: true })
  // Host ports and masqueraded traffic come in and go out by the bridge.
  plan.sysctl.set(`net/ipv4/conf/${name}/forwarding`, '1')
  plan.nftables.commit(tables(host, state, record, move), { undo: drop(state, record) })
  if (existing && !existing.up) plan.link.set(existing.index, { up: true })
  if (existing && record.made && !existing.alias) {
    plan.link.set(existing.index, { alias: BRIDGE_ALIAS })
  }
  plugIn(plan, facts, podsOn(state, name), bridge)
  if (!isSettled(facts, nic, existing, record)) {
    planMoveToBridge(plan, move, bridge, record.made)
  }
  plan.runSync()
  record.phase = 'ready'
}

// Pods whose bridge was taken away by hand come into the new one.
function plugIn(
  plan: Plan,
  facts: HostFacts,
  pods: readonly ReadyRecord[],
  bridge: LinkLike,
): void {
  for (const { owner, address, mac } of pods) {
    const name = hostLinkName(owner)
    const link = facts.links.find((candidate) => candidate.name === name)
    if (!link || link.master === bridge) continue
    plan.link.set(link.index, { master: bridge })
    plan.bridgePort.set(link.index, { hairpin: true })
    plan.neighbour.replace({ link: bridge, address: bare(address), mac })
  }
}

/** Nothing is left on the NIC: only the tables can be wrong. */
function isSettled(
  facts: HostFacts,
  nic: Link,
  bridge: Link | undefined,
  record: BridgeRecord,
): boolean {
  return (
    record.phase === 'ready' &&
    bridge !== undefined &&
    nic.master === bridge.index &&
    !facts.addresses.some((address) => address.link === nic.index)
  )
}

function tables(host: NetNs, state: NodeState, record: BridgeRecord, move: HostMove) {
  const { bridge, nic, masquerade } = record
  const recorded = podsOn(state, bridge).map(({ address, mac, owner }) => ({
    address: bare(address),
    mac,
    tag: ownerTag(owner),
  }))
  // An ADD under way has its element in the kernel and no finished record yet.
  const known = new Set(recorded.map((endpoint) => endpoint.address))
  const underWay = endpointsInMap(host, bridge).filter(
    ({ address }) => !known.has(address),
  )
  const hostAddresses = move.addresses
    .filter((address) => address.family === 'ipv4')
    .map((address) => bare(address.address))
  const spec = { bridge, nic, mac: move.nic.mac, hostAddresses, masquerade }
  const tx = makeBridgeTable(spec, [...recorded, ...underWay])
  return setMasquerade(tx, Object.values(state.bridges))
}

// One table for the node, whatever the number of bridges.
function setMasquerade(tx: Transaction, bridges: readonly BridgeRecord[]): Transaction {
  const except = bridges.flatMap(({ masquerade }) => masquerade?.except ?? [])
  return except.length > 0
    ? makeMasqueradeTable({ except }, tx)
    : dropTable(MASQUERADE_TABLE, tx)
}

// The tables without those of a bridge.
function drop(state: NodeState, { bridge }: BridgeRecord): Transaction {
  const others = Object.values(state.bridges).filter((other) => other.bridge !== bridge)
  return setMasquerade(dropTable(bridgeTable(bridge)), others)
}

/** Marks a bridge that has no pods left as leaving; true when there is something to undo. */
export function markLeaving(host: NetNs, state: NodeState, bridge: string): boolean {
  const record = state.bridges[bridge]
  if (!record || isBusy(host, state, bridge)) return false
  const facts = readFacts(host)
  const nic = facts.links.find((link) => link.name === record.nic)
  const link = facts.links.find((candidate) => candidate.name === bridge)
  const move = nic
    ? mergeMoves(
        collectMove(facts, nic, bridge, readAcceptDad(host, nic.name)),
        mayBeMissing(record, link),
      )
    : record.move
  state.bridges[bridge] = { ...record, phase: 'leaving', move: plain(move) }
  return true
}

// The kernel's map knows pods whose records are lost.
function isBusy(host: NetNs, state: NodeState, bridge: string): boolean {
  return isInUse(state, bridge) || endpointsInMap(host, bridge).length > 0
}

// What was on the NIC can be missing on the host when a move did not end, or when somebody took
// the bridge away and all that was on it.
function mayBeMissing(
  record: BridgeRecord,
  bridge: Link | undefined,
): HostMove | undefined {
  return record.phase === 'ready' && bridge ? undefined : record.move
}

/**
 * Puts the host's network back on the NIC and takes the bridge and the tables away, unless a pod
 * came meanwhile. Call it under the state's lock. A bridge that somebody else made stays.
 */
export function dissolveBridge(host: NetNs, state: NodeState, bridge: string): void {
  const record = state.bridges[bridge]
  if (record?.phase !== 'leaving' || isBusy(host, state, bridge)) return
  const facts = readFacts(host)
  const nic = facts.links.find((link) => link.name === record.nic)
  const link = facts.links.find((candidate) => candidate.name === bridge)
  const plan = host.plan()
  if (nic && record.made) {
    const now = collectMove(facts, nic, bridge, readAcceptDad(host, nic.name))
    const move = mergeMoves(now, record.move)
    if (link) {
      planMoveToNic(plan, move, link.index)
      plan.link.del(link.index)
    } else {
      planRestoreNic(plan, move)
    }
  }
  plan.nftables.commit(drop(state, record))
  plan.runSync()
  delete state.bridges[bridge]
}

function noNic(name: string): CniError {
  return new CniError(
    CniCode.UnexpectedHost,
    `master: the host has no interface ${name}`,
    'Set "master" in the network configuration to the name of the NIC, as "ip link" shows it.',
  )
}
