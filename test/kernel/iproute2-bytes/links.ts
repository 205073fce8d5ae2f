/** Links, as `ip link` and as verbs. Index 1 is lo, 10 the bridge br0, 11 its port v0. */
import type { Case } from './case.js'

const MAC = '02:00:00:00:00:07'
const add = (spec: Parameters<Parameters<Case['make']>[0]['link']['add']>[0]) =>
  ((p) => p.link.add(spec)) satisfies Case['make']

const vlans: Case[] = [
  {
    line: 'link add l1 link lo type vlan id 7',
    make: add({ kind: 'vlan', name: 'l1', link: 1, id: 7 }),
  },
  {
    line: 'link add l2 link lo type vlan protocol 802.1ad id 4094',
    make: add({ kind: 'vlan', name: 'l2', link: 1, protocol: '802.1ad', id: 4094 }),
  },
  {
    line: 'link add l3 link lo type vlan id 8 reorder_hdr off gvrp on mvrp off loose_binding on bridge_binding off',
    make: add({ kind: 'vlan', name: 'l3', link: 1, id: 8, flags: 0b00110 }),
  },
]

const ipvlans: Case[] = [
  {
    line: 'link add i1 link lo type ipvlan',
    make: add({ kind: 'ipvlan', name: 'i1', link: 1 }),
  },
  ...(['l2', 'l3', 'l3s'] as const).flatMap((mode) =>
    (['bridge', 'private', 'vepa'] as const).map((isolation): Case => ({
      line: `link add i2 link lo type ipvlan mode ${mode} ${isolation}`,
      make: add({ kind: 'ipvlan', name: 'i2', link: 1, mode, isolation }),
    })),
  ),
]

const macvlans = (['macvlan', 'macvtap'] as const).flatMap((kind): Case[] => [
  {
    line: `link add m1 link v0 type ${kind}`,
    make: add({ kind, name: 'm1', link: 11 }),
  },
  ...(['private', 'vepa', 'bridge', 'passthru', 'source'] as const).map((mode): Case => ({
    line: `link add m2 link v0 address ${MAC} type ${kind} mode ${mode}`,
    make: add({ kind, name: 'm2', link: 11, mac: MAC, mode }),
  })),
])

const dummies: Case[] = [
  { line: 'link add d1 type dummy', make: add({ kind: 'dummy', name: 'd1' }) },
  {
    line: `link add d2 index 77 mtu 1400 address ${MAC} txqueuelen 100 numtxqueues 4 numrxqueues 2 type dummy`,
    make: add({
      kind: 'dummy',
      name: 'd2',
      index: 77,
      mtu: 1400,
      mac: MAC,
      txQueueLength: 100,
      txQueues: 4,
      rxQueues: 2,
    }),
  },
  {
    line: 'link add d3 up master br0 group 5 type dummy',
    make: add({ kind: 'dummy', name: 'd3', up: true, master: 10, group: 5 }),
  },
  { line: 'link add d4 type ifb', make: add({ kind: 'ifb', name: 'd4' }) },
  {
    line: 'link add r1 type vrf table 100',
    make: add({ kind: 'vrf', name: 'r1', table: 100 }),
  },
  {
    line: 'link add r2 type vrf table 70000',
    make: add({ kind: 'vrf', name: 'r2', table: 70_000 }),
  },
]

const bridges: Case[] = [
  // A bridge of ours is made without spanning tree and its delay, and says so.
  {
    line: 'link add b1 type bridge stp_state 0 forward_delay 0',
    make: add({ kind: 'bridge', name: 'b1' }),
  },
  {
    line: `link add b2 type bridge stp_state 1 forward_delay 300 hello_time 200 max_age 700 ageing_time 0 priority 4096 vlan_filtering 1 vlan_protocol 802.1ad vlan_default_pvid 9 vlan_stats_enabled 1 mcast_snooping 0 mcast_querier 1 mcast_router 2 group_fwd_mask 8 group_address 01:80:c2:00:00:04 nf_call_iptables 1 nf_call_ip6tables 0 nf_call_arptables 1`,
    make: add({
      kind: 'bridge',
      name: 'b2',
      stp: true,
      forwardDelay: 300,
      helloTime: 200,
      maxAge: 700,
      ageingTime: 0,
      priority: 4096,
      vlanFiltering: true,
      vlanProtocol: '802.1ad',
      vlanDefaultPvid: 9,
      vlanStatistics: true,
      multicastSnooping: false,
      multicastQuerier: true,
      multicastRouter: 2,
      groupForwardMask: 8,
      groupAddress: '01:80:c2:00:00:04',
      callIptables: true,
      callIp6tables: false,
      callArptables: true,
    }),
  },
  {
    line: 'link set br0 type bridge vlan_filtering 1 fdb_flush',
    make: (p) => p.link.setBridge(10, { vlanFiltering: true, fdbFlush: true }),
  },
]

// `ip` always says whether a tunnel learns: by default one does, and one that is external does not.
const tunnels: Case[] = [
  {
    line: 'link add x1 type vxlan id 7 dstport 4789',
    make: add({ kind: 'vxlan', name: 'x1', id: 7, port: 4789, learning: true }),
  },
  {
    line: 'link add x2 type vxlan id 8 remote 192.0.2.1 local 192.0.2.2 dev v0 srcport 1000 2000 dstport 4790 ttl 5 tos 8 ageing 60 maxaddress 100 nolearning proxy l2miss l3miss noudpcsum udp6zerocsumtx noudp6zerocsumrx',
    make: add({
      kind: 'vxlan',
      name: 'x2',
      id: 8,
      remote: '192.0.2.1',
      local: '192.0.2.2',
      link: 11,
      sourcePorts: { low: 1000, high: 2000 },
      port: 4790,
      ttl: 5,
      tos: 8,
      ageing: 60,
      limit: 100,
      learning: false,
      proxy: true,
      l2Miss: true,
      l3Miss: true,
      udpChecksum: false,
      udpZeroChecksum6Tx: true,
      udpZeroChecksum6Rx: false,
    }),
  },
  {
    line: 'link add x3 type vxlan id 9 remote 2001:db8::1 local 2001:db8::2 dstport 4791',
    make: add({
      kind: 'vxlan',
      name: 'x3',
      id: 9,
      remote: '2001:db8::1',
      local: '2001:db8::2',
      port: 4791,
      learning: true,
    }),
  },
  {
    line: 'link add x4 type vxlan external dstport 4792',
    make: add({ kind: 'vxlan', name: 'x4', external: true, port: 4792, learning: false }),
  },
]

const pairs: Case[] = [
  {
    line: 'link add p1 type veth peer name p2',
    make: (p) => p.link.addVeth({ name: 'p1' }, { name: 'p2' }),
  },
  {
    line: `link add p3 up mtu 1400 numtxqueues 2 type veth peer name p4 address ${MAC} mtu 1300 txqueuelen 50`,
    make: (p) =>
      p.link.addVeth(
        { name: 'p3', up: true, mtu: 1400, txQueues: 2 },
        { name: 'p4', mac: MAC, mtu: 1300, txQueueLength: 50 },
      ),
  },
]

const set = (
  words: string,
  change: Parameters<Parameters<Case['make']>[0]['link']['set']>[1],
) => ({
  line: `link set v0 ${words}`,
  make: ((p) => p.link.set(11, change)) satisfies Case['make'],
})

const changed: Case[] = [
  set('up', { up: true }),
  set('down', { up: false }),
  set(`mtu 1300 address ${MAC}`, { mtu: 1300, mac: MAC }),
  set('txqueuelen 77 group 6', { txQueueLength: 77, group: 6 }),
  set('alias some.text', { alias: 'some.text' }),
  set('promisc on allmulticast on', { promiscuous: true, allMulticast: true }),
  set('arp off multicast off', { arp: false, multicast: false }),
  set('nomaster', { master: 0 }),
  set('master br0', { master: 10 }),
  set('name v00', { name: 'v00' }),
  {
    line: 'link property add dev lo altname a-rather-long-name',
    make: (p) => p.link.addAltName(1, 'a-rather-long-name'),
  },
  {
    line: 'link property del dev lo altname a-rather-long-name',
    make: (p) => p.link.delAltName(1, 'a-rather-long-name'),
  },
  { line: 'link del br0', make: (p) => p.link.del(10) },
]

export const linkCases: readonly Case[] = [
  ...vlans,
  ...ipvlans,
  ...macvlans,
  ...dummies,
  ...bridges,
  ...tunnels,
  ...pairs,
  ...changed,
]
