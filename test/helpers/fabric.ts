import { must } from './process.js'

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

const batch = (namespace: string, lines: readonly string[]): Promise<string> =>
  must('ip', ['-n', namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })

const sysctl = (namespace: string, settings: readonly string[]): Promise<string> =>
  must('ip', ['netns', 'exec', namespace, 'sysctl', '-q', '-w', ...settings])

/** A veth pair born in its two namespaces, so that no link shows up anywhere else. */
const pair = (local: string, localMac: string, peer: string, ns: string, mac = '') =>
  `link add ${local} address ${localMac} type veth peer name ${peer} ` +
  `${mac && `address ${mac} `}netns ${ns}`

async function buildVm({
  names,
  mac,
  ipForward,
  secondaries,
}: FabricPlan): Promise<void> {
  // Without duplicate address detection the link-local address is there at once, and a
  // picture of the host does not depend on the moment it is taken.
  await sysctl(names.vm, [
    'net.ipv6.conf.eth0.accept_dad=0',
    'net.ipv6.conf.eth0.accept_ra=0',
    `net.ipv4.ip_forward=${Number(ipForward)}`,
  ])
  const dhcp = `via ${ADDRESS.gateway} dev eth0 proto dhcp src ${ADDRESS.primary} metric 100`
  await batch(names.vm, [
    'link set lo up',
    `link set eth0 address ${mac} mtu 1500 up`,
    `addr add ${ADDRESS.primary}/24 brd 10.0.0.255 dev eth0`,
    `route add default ${dhcp}`,
    `route add ${ADDRESS.wireserver} ${dhcp}`,
    `route add ${ADDRESS.imds} ${dhcp}`,
  ])
  if (secondaries.length > 250) throw new Error('the subnet has no room for so many pods')
}

async function buildNeighbours({ names }: FabricPlan): Promise<void> {
  const vms = [
    { ns: names.secondVm, address: ADDRESS.secondVm, gateway: ADDRESS.gateway },
    { ns: names.peeredVm, address: ADDRESS.peeredVm, gateway: '10.1.0.1' },
  ]
  const build = vms.map(({ ns, address, gateway }) =>
    batch(ns, [
      'link set lo up',
      'link set eth0 up',
      `addr add ${address}/24 dev eth0`,
      `route add default via ${gateway}`,
    ]),
  )
  await Promise.all(build)
}

async function buildRouter(plan: FabricPlan): Promise<void> {
  const known = plan.learnByArp ? [] : [ADDRESS.primary, ...plan.secondaries]
  await batch(plan.names.fabric, [
    'link set lo up',
    `addr add ${ADDRESS.wireserver}/32 dev lo`,
    `addr add ${ADDRESS.imds}/32 dev lo`,
    `addr add ${ADDRESS.internet}/32 dev lo`,
    ...['vm0', 'second0', 'peer0'].map((name) => `link set ${name} up`),
    `addr add ${ADDRESS.gateway}/24 dev vm0`,
    'addr add 10.1.0.1/24 dev peer0',
    `route add ${ADDRESS.secondVm}/32 dev second0 src ${ADDRESS.gateway}`,
    ...known.map((address) => `neigh add ${address} lladdr ${plan.mac} dev vm0`),
  ])
}

function routerSysctls(proxyArp: boolean): string[] {
  const perLink = ['vm0', 'second0'].flatMap((name) => [
    `net.ipv4.conf.${name}.proxy_arp=1`,
    `net.ipv4.conf.${name}.send_redirects=0`,
    // The kernel holds a proxied answer back for up to 0.8 s otherwise.
    `net.ipv4.neigh.${name}.proxy_delay=0`,
  ])
  return [
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.send_redirects=0',
    ...perLink,
    `net.ipv4.conf.vm0.proxy_arp_pvlan=${Number(proxyArp)}`,
  ]
}

function guardRules({ mac, secondaries }: FabricPlan): string {
  return `table netdev guard {
  counter mac { }
  counter address { }
  chain from_vm {
    type filter hook ingress device vm0 priority 0; policy accept;
    ether saddr != ${mac} counter name mac drop
    arp saddr ether != ${mac} counter name mac drop
    ip saddr != { ${[ADDRESS.primary, ...secondaries].join(', ')} } counter name address drop
  }
}\n`
}

/** Makes the links, addresses, routes and rules in namespaces that exist already. */
export async function buildFabric(plan: FabricPlan): Promise<void> {
  const { names, mac } = plan
  const quiet = [names.fabric, names.secondVm, names.peeredVm].map((ns) =>
    sysctl(ns, [
      'net.ipv6.conf.all.disable_ipv6=1',
      'net.ipv6.conf.default.disable_ipv6=1',
    ]),
  )
  await Promise.all(quiet)
  await batch(names.fabric, [
    pair('vm0', FABRIC_MAC, 'eth0', names.vm, mac),
    pair('second0', FABRIC_MAC, 'eth0', names.secondVm),
    pair('peer0', FABRIC_MAC, 'eth0', names.peeredVm),
  ])
  await sysctl(names.fabric, routerSysctls(plan.proxyArp))
  await Promise.all([
    must('ip', ['netns', 'exec', names.fabric, 'nft', '-f', '-'], {
      input: guardRules(plan),
    }),
    buildRouter(plan),
    buildVm(plan),
    buildNeighbours(plan),
  ])
}
