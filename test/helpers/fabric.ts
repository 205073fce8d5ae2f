import {
  eq,
  field,
  inSet,
  macBytes,
  neq,
  NetNs,
  objectRef,
  Transaction,
  verdict,
  type Plan,
  type SetDef,
} from '../../dist/esm/index.js'

/** The MAC address that Azure's virtual router shows to every VM. */
export const FABRIC_MAC = '12:34:56:78:9a:bc'
/** Well-known addresses of the simulated network. */
export const ADDRESS = {
  gateway: '10.0.0.1',
  primary: '10.0.0.4',
  secondVm: '10.0.0.100',
  peeredVm: '10.1.0.5',
  wireserver: '168.63.129.16',
  imds: '169.254.169.254',
  internet: '203.0.113.10',
} as const
/** The subnet of the VM's network interface. */
export const SUBNET = '10.0.0.0/24'
/** The subnet of its second one, where it has one. */
export const SECOND = {
  subnet: '10.0.1.0/24',
  gateway: '10.0.1.1',
  primary: '10.0.1.4',
  /** Table of the routes for what the VM sends from there. */
  table: 101,
} as const

/** The namespaces of one simulated VM and what is around it. */
export interface FabricNames {
  vm: string
  fabric: string
  secondVm: string
  peeredVm: string
}

/** What {@link buildFabric} is to build. */
export interface FabricPlan {
  names: FabricNames
  mac: string
  secondaries: readonly string[]
  /** Answer ARP for the VM's own addresses too, as the real fabric does for all. */
  proxyArp: boolean
  /** Let the fabric find the VM's addresses by ARP rather than know them. */
  learnByArp: boolean
  ipForward: boolean
  /** A second network interface. */
  second?: NicPlan | undefined
}

/** A network interface: its MAC address and what it may send from beside its primary address. */
export interface NicPlan {
  mac: string
  secondaries: readonly string[]
}

/** The namespaces, open. */
type Spaces = Record<keyof FabricNames, NetNs>

function buildVm(plan: Plan, { vm }: Spaces, { ipForward, mac }: FabricPlan): void {
  const { link, address, route, sysctl } = plan.in(vm)
  // Without duplicate address detection the link-local address is there at once, and a
  // picture of the host does not depend on the moment it is taken.
  sysctl.set('net/ipv6/conf/eth0/accept_dad', 0)
  sysctl.set('net/ipv6/conf/eth0/accept_ra', 0)
  sysctl.set('net/ipv4/ip_forward', Number(ipForward))
  link.set('lo', { up: true })
  link.set('eth0', { mac, mtu: 1500, up: true })
  const broadcast = '10.0.0.255'
  address.add({ link: 'eth0', address: `${ADDRESS.primary}/24`, broadcast })
  const by = { via: ADDRESS.gateway, link: 'eth0', source: ADDRESS.primary }
  for (const to of ['default', ADDRESS.wireserver, ADDRESS.imds])
    route.add({ to, ...by, protocol: 'dhcp', priority: 100 })
}

// As cloud-init sets up another interface: its routes come after those of the first, and what is
// sent from its address leaves by it.
function buildSecondNic(plan: Plan, { vm }: Spaces, { mac }: NicPlan): void {
  const { link, address, route, rule, sysctl } = plan.in(vm)
  sysctl.set('net/ipv6/conf/eth1/accept_dad', 0)
  sysctl.set('net/ipv6/conf/eth1/accept_ra', 0)
  link.set('eth1', { mac, mtu: 1500, up: true })
  const { primary, gateway, table } = SECOND
  const broadcast = '10.0.1.255'
  address.add({ link: 'eth1', address: `${primary}/24`, broadcast })
  const by = { to: 'default', via: gateway, link: 'eth1', source: primary }
  route.add({ ...by, protocol: 'dhcp', priority: 200 })
  route.add({ ...by, table })
  rule.add({ from: `${primary}/32`, table, priority: table })
}

function buildNeighbours(plan: Plan, { secondVm, peeredVm }: Spaces): void {
  const vms = [
    { ns: secondVm, address: ADDRESS.secondVm, gateway: ADDRESS.gateway },
    { ns: peeredVm, address: ADDRESS.peeredVm, gateway: '10.1.0.1' },
  ]
  for (const { ns, address, gateway } of vms) {
    const there = plan.in(ns)
    for (const name of ['lo', 'eth0']) there.link.set(name, { up: true })
    there.address.add({ link: 'eth0', address: `${address}/24` })
    there.route.add({ to: 'default', via: gateway, link: 'eth0' })
  }
}

function buildRouter(plan: Plan, wanted: FabricPlan): void {
  const { mac, secondaries, learnByArp, second } = wanted
  const { link, address, route, neighbour } = plan
  link.set('lo', { up: true })
  for (const own of [ADDRESS.wireserver, ADDRESS.imds, ADDRESS.internet])
    address.add({ link: 'lo', address: `${own}/32` })
  for (const name of ['vm0', 'second0', 'peer0']) link.set(name, { up: true })
  address.add({ link: 'vm0', address: `${ADDRESS.gateway}/24` })
  address.add({ link: 'peer0', address: '10.1.0.1/24' })
  const beside = { to: `${ADDRESS.secondVm}/32`, link: 'second0' }
  route.add({ ...beside, source: ADDRESS.gateway })
  for (const known of learnByArp ? [] : [ADDRESS.primary, ...secondaries])
    neighbour.add({ link: 'vm0', address: known, mac, state: 'permanent' })
  if (!second) return
  link.set('vm1', { up: true })
  address.add({ link: 'vm1', address: `${SECOND.gateway}/24` })
  for (const known of learnByArp ? [] : [SECOND.primary, ...second.secondaries])
    neighbour.add({ link: 'vm1', address: known, mac: second.mac, state: 'permanent' })
}

function setRouterSwitches({ sysctl }: Plan, { proxyArp, second }: FabricPlan): void {
  sysctl.set('net/ipv4/ip_forward', 1)
  sysctl.set('net/ipv4/conf/all/send_redirects', 0)
  for (const name of ['vm0', 'second0', ...(second ? ['vm1'] : [])]) {
    sysctl.set(`net/ipv4/conf/${name}/proxy_arp`, 1)
    sysctl.set(`net/ipv4/conf/${name}/send_redirects`, 0)
    // The kernel holds a proxied answer back for up to 0.8 s otherwise.
    sysctl.set(`net/ipv4/neigh/${name}/proxy_delay`, 0)
  }
  sysctl.set('net/ipv4/conf/vm0/proxy_arp_pvlan', Number(proxyArp))
}

/** The fabric's table that drops what no VM of Azure may send, and counts it. */
export const GUARD = { family: 'netdev', table: 'guard' } as const

// Ethertypes, in network order (linux/if_ether.h).
const IPV4 = Uint8Array.of(0x08, 0x00)
const ARP = Uint8Array.of(0x08, 0x06)

function guardTable({ mac, secondaries, second }: FabricPlan): Transaction {
  const guard = new Transaction()
    .addTable({ family: GUARD.family, name: GUARD.table })
    .addObject({ ...GUARD, name: 'mac', counter: {} })
    .addObject({ ...GUARD, name: 'address', counter: {} })
  guardNic(guard, 'vm0', mac, [ADDRESS.primary, ...secondaries])
  if (second) guardNic(guard, 'vm1', second.mac, [SECOND.primary, ...second.secondaries])
  return guard
}

/** Drops what comes in by a link of the fabric and is not its NIC's. */
function guardNic(
  guard: Transaction,
  device: string,
  mac: string,
  addresses: readonly string[],
): void {
  const own = macBytes(mac)
  const allowed: SetDef = { ...GUARD, name: `allowed_${device}`, key: ['ipv4_addr'] }
  const drop = (name: string) => [objectRef('counter', name), verdict('drop')]
  const chain = { ...GUARD, chain: `from_${device}` }
  guard
    .addSet(allowed)
    .addElements(
      allowed,
      addresses.map((address) => ({ key: [address] })),
    )
    .addChain({
      ...{ ...GUARD, name: chain.chain, type: 'filter' },
      ...{ hook: 'ingress', device, priority: 0 },
    })
    .addRule({ ...chain, expressions: [...neq(field.etherSource, own), ...drop('mac')] })
    .addRule({
      ...chain,
      expressions: [
        ...[...eq(field.protocol, ARP), ...neq(field.arpSenderMac, own)],
        ...drop('mac'),
      ],
    })
    .addRule({
      ...chain,
      expressions: [
        ...[...eq(field.protocol, IPV4), ...inSet([field.ipSource], allowed.name, true)],
        ...drop('address'),
      ],
    })
}

/** Frames that the fabric dropped for a foreign source MAC, or IPv4 source address. */
export async function fabricDrops(
  { fabric }: FabricNames,
  kind: 'mac' | 'address',
): Promise<number> {
  using namespace = NetNs.openPinned(fabric)
  const objects = await namespace.nftables.objects(GUARD)
  return Number(objects.find(({ name }) => name === kind)!.counter!.packets)
}

/** Makes the links, addresses, routes and rules in namespaces that exist already. */
export async function buildFabric(wanted: FabricPlan): Promise<void> {
  const { names, mac, secondaries } = wanted
  if (secondaries.length > 250) throw new Error('the subnet has no room for so many pods')
  using fabric = NetNs.openPinned(names.fabric)
  using vm = NetNs.openPinned(names.vm)
  using secondVm = NetNs.openPinned(names.secondVm)
  using peeredVm = NetNs.openPinned(names.peeredVm)
  const spaces = { fabric, vm, secondVm, peeredVm }
  const plan = fabric.plan()
  for (const quiet of [fabric, secondVm, peeredVm])
    for (const which of ['all', 'default'])
      plan.in(quiet).sysctl.set(`net/ipv6/conf/${which}/disable_ipv6`, 1)
  // Born in both namespaces, so that no link shows up anywhere else.
  const outer = { mac: FABRIC_MAC }
  plan.link.addVeth({ ...outer, name: 'vm0' }, { name: 'eth0', mac, netns: vm })
  if (wanted.second) {
    const inner = { name: 'eth1', mac: wanted.second.mac, netns: vm }
    plan.link.addVeth({ ...outer, name: 'vm1' }, inner)
  }
  plan.link.addVeth({ ...outer, name: 'second0' }, { name: 'eth0', netns: secondVm })
  plan.link.addVeth({ ...outer, name: 'peer0' }, { name: 'eth0', netns: peeredVm })
  setRouterSwitches(plan, wanted)
  plan.nftables.commit(guardTable(wanted))
  buildRouter(plan, wanted)
  buildVm(plan, spaces, wanted)
  if (wanted.second) buildSecondNic(plan, spaces, wanted.second)
  buildNeighbours(plan, spaces)
  await plan.run()
}
