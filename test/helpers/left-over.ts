/**
 * What pods left on a simulated VM whose bridge stays after its last pod, as it does with the list
 * that the project ships; and the way back to a VM without a bridge.
 */
import { join } from 'node:path'
import type { Test } from 'tap'
import type { AzureHost } from './azure-host.js'
import { until } from './process.js'
import { diffSnapshots, readState, type Json, type Snapshot } from './snapshot.js'

const BRIDGE = 'azure0'

type Item = Record<string, Json>

/** The fields that a link has as a port of a bridge alone. */
const PORT_FIELDS = new Set([
  ...['master', 'info_slave_kind', 'hairpin', 'isolated'],
  ...['neigh_suppress', 'learning', 'flood'],
])

/** A bridge's port as it is without the bridge, which wants all frames of it. */
function unplugged(link: Item): Item {
  const own = Object.entries(link).filter(([key]) => !PORT_FIELDS.has(key))
  return { ...Object.fromEntries(own), promiscuity: 0, allmulti: 0 }
}

/** Of an object of the bridge's nft table what belongs to pods: their elements of the map. */
function podElements(object: Item): Json[] {
  const map = object['map'] as Item | undefined
  const elements = (map?.['elem'] ?? []) as [{ elem?: Item }, Json][]
  return elements.filter(([key]) => key.elem?.['comment'] !== 'host')
}

/**
 * A picture as it would be if the NIC had what the bridge has. Flows that the bridge remembers
 * (`host_flows`) run out by themselves and belong to no pod.
 */
function withoutBridge(now: Snapshot, before: Snapshot): Snapshot {
  const nics = new Set((before.links as Item[]).map(({ ifname }) => ifname))
  const links = now.links as Item[]
  const nic = links.find(({ ifname, master }) => master === BRIDGE && nics.has(ifname!))
  const moved = (item: Item): Item => {
    if (!nic || item['dev'] !== BRIDGE) return item
    const label = item['label'] === BRIDGE && { label: nic['ifname']! }
    return { ...item, dev: nic['ifname']!, ...label }
  }
  const ofBridge = (object: Item): boolean =>
    Object.values(object).some((value) => {
      const { name, table, family } = value as Item
      return family === 'bridge' && (table ?? name) === `azure_vnet_${BRIDGE}`
    })
  return {
    ...now,
    links: links
      .filter(({ ifname }) => ifname !== BRIDGE)
      .map((link) => (link === nic ? unplugged(link) : link)),
    addresses: (now.addresses as Item[]).map(moved),
    // The NIC is up, so that it has its own route for multicast still.
    routes: (now.routes as Item[])
      .filter(({ dev, type }) => dev !== BRIDGE || type !== 'multicast')
      .map(moved),
    nft: (now.nft as Item[]).flatMap((object) =>
      ofBridge(object) ? podElements(object) : [object],
    ),
  }
}

/** Attachments, leases and what `attach` was asked for, as lines. */
function recordsLeft(host: AzureHost): string[] {
  const state = readState(host.stateDir) as Record<string, { data?: Item } | undefined>
  const attachments = Object.keys(state['azure-vnet.json']?.data?.['attachments'] ?? {})
  const leases = (state['ipam.json']?.data?.['leases'] ?? []) as Json[]
  return [
    ...attachments.map((owner) => `attachment ${owner}`),
    ...leases.map((lease) => `lease ${JSON.stringify(lease)}`),
    ...Object.keys(readState(host.keepDir)).map((name) => `record ${name}`),
  ]
}

/**
 * Asserts that nothing of any pod is left since `before`, a picture from before the first one: no
 * link, address, route, neighbour, map element, host port, table, record or lease. The bridge stays.
 */
export async function assertPodsGone(
  t: Test,
  host: AzureHost,
  before: Snapshot,
): Promise<void> {
  let left: string[] = []
  let bridge = false
  const gone = async (): Promise<boolean> => {
    const now = await host.snapshot({ state: false })
    bridge = (now.links as Item[]).some(({ ifname }) => ifname === BRIDGE)
    const changes = diffSnapshots({ ...before, state: {} }, withoutBridge(now, before))
    left = [...changes, ...recordsLeft(host)]
    return left.length === 0
  }
  await until('the end of all pods', gone, undefined, 100).catch(() => false)
  t.strictSame(left, [], 'nothing is left of the pods')
  t.ok(bridge, `${BRIDGE} stays`)
}

/**
 * Runs `vnet-cni reset` of the programs in `bin`, and asserts that it gives the VM back as in
 * `before`, a picture from before the first pod, state included.
 */
export async function assertReset(
  t: Test,
  host: AzureHost,
  before: Snapshot,
  bin: string,
): Promise<void> {
  const program = join(bin, 'vnet-cni')
  const { code, stderr } = await host.exec(program, ['reset'], { env: host.env })
  t.equal(code, 0, `vnet-cni reset: ${stderr}`)
  t.strictSame(await host.changesSince(before), [], 'the VM is as it was')
}
