import t from 'tap'
import { NetNs, type Family, type Route } from 'vnet-cni'
import { act, ip, ip6, json, read } from './helper.js'

const LINKS = [
  'link set lo up',
  'link add br0 index 2 type bridge',
  'link add br1 index 3 type bridge',
  'link add v0 up master br0 type veth peer name v1',
  'link add w0 up master br1 type veth peer name w1',
  'link set v1 up',
  'link set w1 up',
  'link set br0 up addrgenmode none',
  'link set br1 up addrgenmode none',
  'address add 10.0.0.5/24 dev br0',
  'address add 10.1.0.5/24 dev br1',
  'address add 2001:db8::5/64 dev br0 nodad',
  'address add 2001:db8:1::5/64 dev br1 nodad',
]

const IPV4 = [
  'default via 10.0.0.1 dev br0',
  'default via 10.1.0.1 dev br1 metric 200 proto dhcp src 10.1.0.5',
  '10.10.0.0/16 dev br0 scope link',
  '10.11.0.0/16 via 192.0.2.1 dev br0 onlink',
  '10.12.0.0/16 nexthop via 10.0.0.1 dev br0 weight 2 nexthop via 10.1.0.1 dev br1 weight 7',
  '10.13.0.0/16 nexthop via 192.0.2.1 dev br0 onlink nexthop dev br1',
  'blackhole 10.14.0.0/16 metric 5',
  'unreachable 10.15.0.0/16 proto 99',
  'prohibit 10.16.0.0/16',
  'throw 10.17.0.0/16 table 70000',
  '10.18.0.0/16 via 10.0.0.1 dev br0 mtu lock 1400 advmss 1300 window 9000 initcwnd 10 initrwnd 20',
  '10.19.0.0/16 via 10.0.0.1 dev br0 rtt 100ms rttvar 50ms ssthresh 10 cwnd lock 9 quickack 1',
  '10.20.0.0/16 via 10.0.0.1 dev br0 tos 0x10 table 100',
  '10.21.0.0/16 via inet6 2001:db8::1 dev br0',
  '10.22.0.0/16 via 10.0.0.1 dev br0 congctl reno features ecn',
  '10.23.0.0/16 via 10.0.0.1 dev br0 realm 3/4',
  'local 10.24.0.5 dev br0 table local',
  '0.0.0.0/1 via 10.0.0.1 dev br0',
]

const IPV6 = [
  'default via 2001:db8::1 dev br0',
  'default via 2001:db8:1::1 dev br1 metric 2048 proto ra pref high',
  'default from 2001:db8:7::/48 via 2001:db8::1 dev br0',
  '2001:db8:9::/48 from 2001:db8::/64 dev br0',
  '2001:db8:10::/48 dev br0 metric 7',
  '2001:db8:11::/48 via fe80::1 dev br0 onlink',
  '2001:db8:12::/48 nexthop via 2001:db8::1 dev br0 weight 2 nexthop via 2001:db8:1::1 dev br1',
  'blackhole 2001:db8:14::/48',
  'unreachable 2001:db8:15::/48 metric 4294967295',
  'prohibit 2001:db8:16::/48 table 1000',
  '2001:db8:18::/48 via 2001:db8::1 dev br0 mtu 1400 hoplimit 9 proto static src 2001:db8::5',
  '2001:db8:19::/48 via 2001:db8::1 dev br0 pref low table 70001',
  '2001:db8:20::5 dev br0',
]

/** A namespace with the links, which get no link-local addresses: those come at their own time. */
function room(): NetNs {
  const ns = NetNs.create()
  act(ns, (p) => p.sysctl.set('net/ipv6/conf/default/addr_gen_mode', '1'))
  ip(ns, ...LINKS)
  return ns
}

/** What the kernel makes by itself for addresses and links goes and comes with those. */
const ours = (route: Route) => route.protocol !== 'kernel'

function dump(ns: NetNs, family: Family): Route[] {
  return read<Route[]>(ns, (p) => p.route.dump({ family })).filter(ours)
}

function shown(ns: NetNs, family: Family): string[] {
  const option = family === 'ipv4' ? '-4' : '-6'
  const list = json(ns, `ip ${option} -d route show table all`)
  return list.map((route) => JSON.stringify(route)).toSorted()
}

for (const [family, lines] of [
  ['ipv4', IPV4],
  ['ipv6', IPV6],
] as const) {
  const make = family === 'ipv4' ? ip : ip6
  t.test(`${family}: dump, delete, add back: nothing is lost`, async (t) => {
    using ns = room()
    make(ns, ...lines.map((line) => `route add ${line}`))
    const before = shown(ns, family)
    const routes = dump(ns, family)
    t.equal(routes.length, lines.length)
    // Routes with gateways need those without, so that they go first and come last.
    const rank = (r: Route) => (r.via || r.hops || r.unknown ? 1 : 0)
    const ordered = routes.toSorted((a, b) => rank(a) - rank(b))
    act(ns, (p) => ordered.toReversed().forEach((r) => p.route.del(r)))
    t.strictSame(dump(ns, family), [])
    act(ns, (p) => ordered.forEach((r) => p.route.add(r)))
    t.strictSame(shown(ns, family), before)
    act(ns, (p) => ordered.forEach((r) => p.route.replace(r)))
    t.strictSame(shown(ns, family), before, 'replace by itself changes nothing')
  })

  t.test(`${family}: each route alone comes back as it was`, async (t) => {
    for (const line of lines) {
      using ns = room()
      make(ns, `route add ${line}`)
      const before = shown(ns, family)
      const routes = dump(ns, family)
      t.equal(routes.length, 1, line)
      act(ns, (p) => routes.forEach((r) => p.route.del(r)))
      act(ns, (p) => routes.forEach((r) => p.route.add(r)))
      t.strictSame(shown(ns, family), before, line)
    }
  })

  t.test(`${family}: differential with \`ip route\``, async (t) => {
    using ns = room()
    make(ns, ...lines.map((line) => `route add ${line}`))
    const mine = read<Route[]>(ns, (p) => p.route.dump({ family }))
    const theirs = json(
      ns,
      `ip ${family === 'ipv4' ? '-4' : '-6'} -d -N route show table all`,
    )
    const full = family === 'ipv4' ? '/32' : '/128'
    const long = (to: string) => (to.includes('/') || to === 'default' ? to : to + full)
    const number = (value: string | number, names: Record<string, number>) =>
      Number(names[value] ?? value)
    const tables = { main: 254, local: 255, default: 253 }
    t.strictSame(
      mine
        .map(
          (r) => `${r.to} ${number(r.table, tables)} ${r.priority ?? 0} ${r.via ?? ''}`,
        )
        .toSorted(),
      theirs
        .map((r) => {
          const table = number(r['table'] ?? 254, tables)
          return `${long(r['dst'])} ${table} ${r['metric'] ?? 0} ${r['gateway'] ?? r['via']?.host ?? ''}`
        })
        .toSorted(),
    )
  })
}
