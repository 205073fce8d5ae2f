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

function buildRouter(plan: Plan, { mac, secondaries, learnByArp }: FabricPlan): void {
  const { link, address, route, neighbour } = plan
  link.set('lo', { up: true })
  for (const own of [ADDRESS.wireserver, ADDRESS.imds, ADDRESS.internet])
    address.add({ link: 'lo', address: `${own}/32` })
  for (const name of ['vm0', 'second0', 'peer0']) link.set(name, { up: true })
  address.add({ link: 'vm0', address: `${ADDRESS.gateway}/24` })
  address.add({ link: 'peer0', address: '10.1.0.1/24' })
  const second = { to: `${ADDRESS.secondVm}/32`, link: 'second0' }
  route.add({ ...second, source: ADDRESS.gateway })
  for (const known of learnByArp ? [] : [ADDRESS.primary, ...secondaries])
    neighbour.add({ link: 'vm0', address: known, mac, state: 'permanent' })
}

function setRouterSwitches({ sysctl }: Plan, proxyArp: boolean): void {
  sysctl.set('net/ipv4/ip_forward', 1)
  sysctl.set('net/ipv4/conf/all/send_redirects', 0)
  for (const name of ['vm0', 'second0']) {
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

function guardRules({ mac, secondaries }: FabricPlan): Transaction {
  const own = macBytes(mac)
  const allowed: SetDef = { ...GUARD, name: 'allowed', key: ['ipv4_addr'] }
  const drop = (name: string) => [objectRef('counter', name), verdict('drop')]
  const chain = { ...GUARD, chain: 'from_vm' }
  const hook = { hook: 'ingress', device: 'vm0', priority: 0 } as const
  return new Transaction()
    .addTable({ family: GUARD.family, name: GUARD.table })
    .addObject({ ...GUARD, name: 'mac', counter: {} })
    .addObject({ ...GUARD, name: 'address', counter: {} })
    .addSet(allowed)
    .addElements(
      allowed,
      [ADDRESS.primary, ...secondaries].map((address) => ({ key: [address] })),
    )
    .addChain({ ...GUARD, name: 'from_vm', type: 'filter', ...hook })
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
        ...[...eq(field.protocol, IPV4), ...inSet([field.ipSource], 'allowed', true)],
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
  plan.link.addVeth({ ...outer, name: 'second0' }, { name: 'eth0', netns: secondVm })
  plan.link.addVeth({ ...outer, name: 'peer0' }, { name: 'eth0', netns: peeredVm })
  setRouterSwitches(plan, wanted.proxyArp)
  plan.nftables.commit(guardRules(wanted))
  buildRouter(plan, wanted)
  buildVm(plan, spaces, wanted)
  buildNeighbours(plan, spaces)
  await plan.run()
}
