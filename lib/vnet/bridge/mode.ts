/**
 * Bridge mode: a bridge takes the place of the NIC, and pods are ports of it.
 */
import { isHostLink } from '../../cni/spec/owner.js'
import type { Link, NetNs } from '../../netlink/index.js'
import { primaryNic, type NearFacts } from '../facts.js'
import { firewallFindings } from '../firewall/findings.js'
import { MASQUERADE_TABLE } from '../table-names.js'
import type { HostNetwork, Mode, NetworkSettings, NetworkWish } from '../mode.js'
import { checkEndpoint } from './check.js'
import { bridgeTable } from './endpoint-map.js'
import { foundPods, planEndpoint, planEndpointRemoval } from './endpoint.js'
import { BRIDGE_ALIAS } from './host-move.js'
import {
  adoptBridge,
  ensureBridge,
  giveBackAddresses,
  newBridge,
  prepareBridgeRelease,
  releaseBridge,
  takeAddresses,
} from './network.js'
import { isGuarded } from './ports.js'
import type { BridgeMasquerade } from './record.js'
import { LAYOUT } from './table-rules.js'

/** The mode. */
export const bridgeMode: Mode = {
  name: 'bridge',
  families: ['ipv4'],
  networkName: ({ bridge }, facts, nic) => bridge ?? defaultBridge(facts, nic),
  find: findBridge,
  newNetwork(host, wish) {
    const { nic, name, settings } = wish
    const record = newBridge(host, nic, name, settings.bridgeLifetime)
    applySettings(record, wish)
    return record
  },
  apply: applySettings,
  isWhole,
  revert(record, former, { network }) {
    record.lifetime = former.lifetime
    setMasquerade(record, network, former.masquerade[network])
    setGuard(record, network, isGuarded(former, network))
  },
  ensureNetwork: ensureBridge,
  take: takeAddresses,
  giveBack: giveBackAddresses,
  endsWithPods: (host, { lifetime, name }) => lifetime === 'pods' || !isThere(host, name),
  prepareRelease: prepareBridgeRelease,
  release: releaseBridge,
  planAttach: planEndpoint,
  planDetach: planEndpointRemoval,
  check: checkEndpoint,
  findings(host, bridge, nic) {
    const plan = host.plan()
    const link = plan.link.read(bridge, { optional: true })
    const bridgeIndex = plan.runSync().of(link)?.index
    return firewallFindings(host, { bridge, bridgeIndex, nic })
  },
  hostInterfaces: ({ name, mac }) => [{ name, mac }],
  pods: foundPods,
  isOurs: (link) => link.kind === 'bridge' && link.alias === BRIDGE_ALIAS,
  // Azure's own plug-in names its links likewise: only those on our bridge are ours.
  hostLinks: (links, bridge) =>
    links.filter(({ name, master }) => isHostLink(name) && master === bridge.index),
  adopt: adoptBridge,
}

/** `azure` and the index of the primary interface. */
function defaultBridge(facts: NearFacts, nic: Link): string {
  return `azure${(primaryNic(facts) ?? nic).index}`
}

// The bridge of the record; undefined when it is not as an ADD needs it.
function findBridge(
  wish: NetworkWish,
  record: HostNetwork | undefined,
): Link | undefined {
  const { facts, nic } = wish
  if (!record || record.nic !== nic.name || !isAsWished(record, wish)) return undefined
  return isWhole(facts, record)
    ? facts.links.find((link) => link.name === record.name)
    : undefined
}

function isWhole(facts: NearFacts, record: HostNetwork): boolean {
  const { phase, name, nic } = record
  const bridge = facts.links.find((link) => link.name === name)
  const beneath = facts.links.find((link) => link.name === nic)
  const plugged = bridge !== undefined && beneath?.master === bridge.index
  return (
    phase === 'ready' && plugged && !isBack(facts, beneath) && hasTables(facts, record)
  )
}

// Who manages the NIC gives it its addresses again: at a restart, or with a lease that it renews.
// The kernel makes a link-local one by itself when the carrier comes and goes.
function isBack({ addresses }: NearFacts, nic: Link): boolean {
  return addresses.some(({ link, scope }) => link === nic.index && scope !== 'link')
}

function isThere(host: NetNs, name: string): boolean {
  const plan = host.plan()
  const link = plan.link.read(name, { optional: true })
  return plan.runSync().of(link) !== undefined
}

// What flushes the rules of one family (`nft flush ruleset ip`) leaves the others.
function hasTables(facts: NearFacts, record: HostNetwork): boolean {
  const tables = [bridgeTable(record.name)]
  if (Object.keys(record.masquerade).length > 0) tables.push(MASQUERADE_TABLE)
  return record.layout === LAYOUT && tables.every((table) => facts.hasTable(table))
}

function isAsWished(record: HostNetwork, wish: NetworkSettings): boolean {
  const { network, settings } = wish
  return (
    record.lifetime === settings.bridgeLifetime &&
    isGuarded(record, network) === settings.spoofGuard &&
    JSON.stringify(record.masquerade[network]) ===
      JSON.stringify(masqueradeOf(record, wish))
  )
}

function applySettings(record: HostNetwork, wish: NetworkSettings): void {
  record.lifetime = wish.settings.bridgeLifetime
  setMasquerade(record, wish.network, masqueradeOf(record, wish))
  setGuard(record, wish.network, wish.settings.spoofGuard)
}

function setGuard(record: HostNetwork, network: string, guarded: boolean): void {
  const others = (record.unguarded ?? []).filter((name) => name !== network)
  record.unguarded = guarded ? others : [...others, network]
}

function setMasquerade(
  { masquerade }: HostNetwork,
  network: string,
  setting: BridgeMasquerade | undefined,
): void {
  if (setting) masquerade[network] = setting
  else delete masquerade[network]
}

// The list that asks last has its way with the pods of its own network, and of no other.
function masqueradeOf(
  record: HostNetwork,
  { network, settings: { masquerade }, pools }: NetworkSettings,
): BridgeMasquerade | undefined {
  if (!masquerade) return undefined
  if (masquerade !== 'auto') return { except: [...masquerade.except], auto: false }
  const before = record.masquerade[network]
  const known = before?.auto ? before.except : []
  return { except: [...new Set([...known, ...pools])], auto: true }
}
