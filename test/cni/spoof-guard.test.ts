/** A pod sends in its own name alone, and tells nobody which way to go. */
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS, FABRIC_MAC } from '../helpers/fabric.js'
import { until } from '../helpers/process.js'
import { arp, countFrames, frame, icmp, ipv4, ipv6, send, udp } from './support/frames.js'
import {
  addPod,
  addressOf,
  delPod,
  makeHost,
  nodeRecords,
  runtime,
  vnetCni,
} from './support/setup.js'
import { fetchTcp, serve } from './support/traffic.js'

const [IP, ARP, IP6, LLDP] = [0x0800, 0x0806, 0x86dd, 0x88cc] as const
const [ICMP, UDP, ICMP6] = [1, 17, 58] as const
const FOREIGN_MAC = '02:00:00:00:00:99'
const FOREIGN = '10.0.0.99'
const [ALL, ALL_6] = ['255.255.255.255', 'ff02::1'] as const
/** The honest frame that is sent last: what comes before it has come when it comes. */
const LAST = 'udp dport 7777'

/** Frames by what is wrong with them, and how they are known at the other end. */
function wrongFrames(mac: string, address: string): Record<string, [Buffer, string]> {
  const own = `fe80::858:aff:fe00:${address.split('.').at(-1)}`
  const plain = (from: string) => ipv4(from, ALL, UDP, udp(5, 5001))
  return {
    address: [frame(mac, IP, plain(FOREIGN)), `ip saddr ${FOREIGN}`],
    other_pod: [frame(mac, IP, plain('10.0.0.6')), 'ip saddr 10.0.0.6'],
    host: [frame(mac, IP, plain(ADDRESS.primary)), `ip saddr ${ADDRESS.primary}`],
    none: [frame(mac, IP, plain('0.0.0.0')), 'ip saddr 0.0.0.0'],
    mac: [frame(FOREIGN_MAC, IP, plain(address)), `ether saddr ${FOREIGN_MAC} ip dscp 0`],
    fabric_mac: [frame(FABRIC_MAC, IP, plain(address)), `ether saddr ${FABRIC_MAC}`],
    arp_address: [
      frame(mac, ARP, arp(2, mac, ADDRESS.gateway, '10.0.0.6')),
      `arp saddr ip ${ADDRESS.gateway}`,
    ],
    arp_request: [
      frame(mac, ARP, arp(1, mac, FOREIGN, '10.0.0.98')),
      `arp saddr ip ${FOREIGN}`,
    ],
    arp_mac: [
      frame(mac, ARP, arp(2, FOREIGN_MAC, address, '10.0.0.6')),
      `arp saddr ether ${FOREIGN_MAC} arp saddr ip ${address}`,
    ],
    arp_ether: [
      frame(FOREIGN_MAC, ARP, arp(1, mac, address, FOREIGN)),
      `ether saddr ${FOREIGN_MAC} arp operation request`,
    ],
    arp_probe: [
      frame(mac, ARP, arp(1, mac, '0.0.0.0', FOREIGN)),
      `arp saddr ip 0.0.0.0 arp daddr ip ${FOREIGN}`,
    ],
    ip6: [
      frame(mac, IP6, ipv6('2001:db8::5', ALL_6, UDP, udp(5, 5001))),
      'udp dport 5001 ip6 saddr 2001:db8::5',
    ],
    neighbour: [
      frame(mac, IP6, ipv6(own, ALL_6, ICMP6, icmp(136))),
      'icmpv6 type nd-neighbor-advert',
    ],
    lldp: [frame(mac, LLDP, Buffer.alloc(46)), 'ether type 0x88cc'],
  }
}

/** What no pod sends, whatever its network says. */
function badAdvice(mac: string, address: string): Record<string, [Buffer, string]> {
  const own = `fe80::858:aff:fe00:${address.split('.').at(-1)}`
  return {
    redirect: [frame(mac, IP, ipv4(address, ALL, ICMP, icmp(5))), 'icmp type redirect'],
    dhcp: [frame(mac, IP, ipv4(address, ALL, UDP, udp(67, 68))), 'udp sport 67'],
    ra: [
      frame(mac, IP6, ipv6(own, ALL_6, ICMP6, icmp(134))),
      'icmpv6 type nd-router-advert',
    ],
    redirect6: [
      frame(mac, IP6, ipv6(own, ALL_6, ICMP6, icmp(137))),
      'icmpv6 type nd-redirect',
    ],
    dhcp6: [frame(mac, IP6, ipv6(own, ALL_6, UDP, udp(547, 546))), 'udp sport 547'],
  }
}

/** What a pod may send. */
function honestFrames(mac: string, address: string): Record<string, [Buffer, string]> {
  return {
    probe: [
      frame(mac, ARP, arp(1, mac, '0.0.0.0', address)),
      `arp saddr ip 0.0.0.0 arp daddr ip ${address}`,
    ],
    broadcast: [frame(mac, IP, ipv4(address, ALL, UDP, udp(5, 5002))), 'udp dport 5002'],
    dhcp_relay: [frame(mac, IP, ipv4(address, ALL, UDP, udp(67, 67))), 'udp dport 67'],
  }
}

/** Which frames of a pod come to another pod and to the host. */
async function arriving(
  host: AzureHost,
  frames: Record<string, [Buffer, string]>,
  { mac, address, from = 'one' }: { mac: string; address: string; from?: string },
): Promise<{ pod: string[]; host: string[] }> {
  const matches = Object.fromEntries(
    Object.entries(frames).map(([name, [, match]]) => [name, match]),
  )
  const places = [
    ['two', 'eth0'],
    ['vm', 'azure0'],
  ] as const
  const reads = await Promise.all(
    places.map(([where, link]) =>
      countFrames(host, where, link, { ...matches, last: LAST }),
    ),
  )
  const last = frame(mac, IP, ipv4(address, ALL, UDP, udp(5, 7777)))
  await send(host, from, [...Object.values(frames).map(([one]) => one), last])
  const [pod, own] = await Promise.all(
    reads.map(async (read) => {
      await until('the last frame', async () => ((await read())['last'] ?? 0) > 0)
      const { last: _, ...counted } = await read()
      return Object.keys(counted).filter((name) => counted[name]! > 0)
    }),
  )
  for (const [where] of places)
    await host.execIn(where, 'nft', ['delete', 'table', 'netdev', 'seen'])
  return { pod: pod!.toSorted(), host: own!.toSorted() }
}

const macOf = (address: string) =>
  `0a:58:${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`

async function twoPods(test: Test, vnet: Record<string, unknown> = {}) {
  const host = await makeHost(test)
  const runner = runtime(host, { vnet })
  const address = await addPod(runner, 'one')
  await addPod(runner, 'two')
  return { host, runner, pod: { address, mac: macOf(address) } }
}

t.test('what is not in its name does not leave a pod', async (test) => {
  const { host, pod } = await twoPods(test)
  const { mac, address } = pod
  const none = { pod: [], host: [] }
  test.strictSame(await arriving(host, wrongFrames(mac, address), pod), none)
  test.strictSame(await arriving(host, badAdvice(mac, address), pod), none)
  const honest = honestFrames(mac, address)
  const all = Object.keys(honest).toSorted()
  test.strictSame((await arriving(host, honest, pod)).pod, all)
  test.equal(await host.fabricDrops('address'), 0, 'nothing of it came to the fabric')
})

t.test('without the guard a pod sends in any name, but gives no advice', async (test) => {
  const { host, pod, runner } = await twoPods(test, { spoofGuard: false })
  const { mac, address } = pod
  const wrong = wrongFrames(mac, address)
  test.strictSame((await arriving(host, wrong, pod)).pod, Object.keys(wrong).toSorted())
  const none = { pod: [], host: [] }
  test.strictSame(await arriving(host, badAdvice(mac, address), pod), none)
  test.strictSame(nodeRecords(host).networks['azure0']?.unguarded, ['azure'])
  await delPod(runner, 'one')
  await delPod(runner, 'two')
})

t.test('networks with and without the guard share a bridge', async (test) => {
  const host = await makeHost(test)
  const guarded = runtime(host, { vnet: { bridge: 'azure0' } })
  const routers = runtime(host, {
    name: 'routers',
    vnet: { bridge: 'azure0', spoofGuard: false },
  })
  const one = await addPod(guarded, 'one')
  await addPod(guarded, 'two')
  const three = await addPod(routers, 'three')
  const frames = (address: string) => {
    const { address: a, mac: m } = wrongFrames(macOf(address), address)
    return { address: a!, mac: m! }
  }
  const from = (pod: string, address: string) =>
    arriving(host, frames(address), { from: pod, address, mac: macOf(address) })
  test.strictSame((await from('one', one)).pod, [])
  test.strictSame((await from('three', three)).pod, ['address', 'mac'])
  await delPod(routers, 'three')
  test.strictSame(nodeRecords(host).networks['azure0']?.unguarded, [])
  const { stdout } = await host.exec('nft', [
    'list',
    'table',
    'bridge',
    'azure_vnet_azure0',
  ])
  test.notMatch(stdout, /routers/, 'nothing of it is left')
})

t.test('a list that changes its mind, and vnet-cni repair', async (test) => {
  const { host, pod } = await twoPods(test)
  const frames = () => {
    const { address: a } = wrongFrames(pod.mac, pod.address)
    return { address: a! }
  }
  const free = runtime(host, { vnet: { spoofGuard: false } })
  await addPod(free, 'three')
  test.strictSame((await arriving(host, frames(), pod)).pod, ['address'], 'off for all')
  const again = runtime(host, {})
  await addPod(again, 'four')
  test.strictSame((await arriving(host, frames(), pod)).pod, [], 'on for all')
  await host.exec('nft', ['flush', 'ruleset'])
  test.equal((await vnetCni(host, 'repair')).code, 0)
  test.strictSame((await arriving(host, frames(), pod)).pod, [], 'back after a flush')
  const { code, stdout } = await vnetCni(host, 'repair')
  test.strictSame([code, stdout], [0, 'azure0: in order\n'])
})

t.test('two interfaces of one container answer for each other', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  const path = await host.addPodNetns('pod')
  const first = addressOf(await runner.add('pod', path, 'eth0'))
  const second = addressOf(await runner.add('pod', path, 'net1'))
  await serve(host, 'pod')
  for (const address of [first, second])
    for (const from of ['secondVm', 'fabric', 'vm'])
      test.match(
        await fetchTcp(host, from, `${address}:80`),
        /^pod /,
        `${from} → ${address}`,
      )
  await runner.del('pod', path, 'eth0')
  const { stdout } = await host.exec('nft', [
    ...['list', 'set', 'bridge', 'azure_vnet_azure0', 'senders'],
  ])
  test.notMatch(stdout, new RegExp(first.replaceAll('.', '\\.')), 'the first one is over')
  test.match(await fetchTcp(host, 'vm', `${second}:80`), /^pod /)
  await runner.del('pod', path, 'net1')
})

t.test('links of pods believe no advertisements', async (test) => {
  const { host } = await twoPods(test)
  const read = async (where: string, link: string) =>
    (await host.execIn(where, 'cat', [`/proc/sys/net/ipv6/conf/${link}/accept_ra`]))
      .stdout
  test.equal(await read('one', 'eth0'), '0\n')
  test.equal(await read('vm', 'azure0'), '0\n')
  const { stdout } = await host.exec('ip', ['-j', 'link'])
  const links = (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname)
  for (const link of links.filter((name) => name.startsWith('azv')))
    test.equal(await read('vm', link), '0\n')
})

t.test(
  'a host that has its IPv6 from advertisements goes on to hear them',
  async (test) => {
    const host = await makeHost(test)
    await host.exec('sysctl', ['-qw', 'net.ipv6.conf.eth0.accept_ra=2'])
    const route = ['default', 'via', 'fe80::1', 'dev', 'eth0', 'proto', 'ra']
    await host.exec('ip', ['-6', 'route', 'add', ...route])
    await addPod(runtime(host), 'one')
    const name = 'net.ipv6.conf.azure0.accept_ra'
    test.equal((await host.exec('sysctl', ['-n', name])).stdout, '2\n')
  },
)
