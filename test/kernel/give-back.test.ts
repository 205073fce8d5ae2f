/** What ip(8) makes here is read, deleted and given back: ip then tells the same. */
import t from 'tap'
import { NetNs, type Link } from 'vnet-cni'
import { inside, ip, json, type Json } from './helper.js'

function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  ns.sync.sysctl.set('net/ipv6/conf/default/addr_gen_mode', '1')
  return ns
}

const VOLATILE = new Set([
  ...[
    'valid_life_time',
    'preferred_life_time',
    'expires',
    'updated',
    'confirmed',
    'used',
  ],
  ...[
    'tentative',
    'ifindex',
    'hello_timer',
    'gc_timer',
    'tcn_timer',
    'topology_change_timer',
    'operstate',
  ],
  ...['bridge_id', 'root_id', 'designated_bridge', 'designated_root', 'id', 'no'],
])

// Whether a link that was just made has its carrier yet.
const CARRIER = new Set<unknown>(['NO-CARRIER', 'LOWER_UP'])

function steady(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((one) => !CARRIER.has(one)).map(steady)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).filter(([key]) => !VOLATILE.has(key))
  return Object.fromEntries(entries.map(([key, inner]) => [key, steady(inner)]))
}

const told = (ns: NetNs, line: string, pick = (_: Json) => true) =>
  json(ns, line)
    .filter(pick)
    .map((one) => JSON.stringify(steady(one)))
    .toSorted()

const STAGE = [
  'link set lo up',
  'link add v0 type veth peer name v1',
  'link set v1 up',
  'link set v0 up',
]

t.test('addresses', async (t) => {
  const ns = namespace()
  ip(
    ns,
    ...STAGE,
    'address add 10.0.0.1/24 brd + dev v0 label v0:one',
    'address add 10.0.0.2/24 dev v0',
    'address add 10.1.0.1 peer 10.1.0.2/32 dev v0 scope link metric 500',
    'address add 10.2.0.1/16 dev v0 noprefixroute valid_lft 5000 preferred_lft 4000',
    'address add fd00::1/64 dev v0 nodad',
    'address add fd01::1/64 dev v0 nodad valid_lft 5000 preferred_lft 4000 noprefixroute',
    'address add fd02::1 peer fd02::2/128 dev v0 nodad metric 77',
  )
  const before = told(ns, 'ip -d address show dev v0')
  const routes = [...told(ns, 'ip -4 route'), ...told(ns, 'ip -6 route')]
  const addresses = ns.sync.address.dump({ link: 'v0' })
  const plan = ns.plan()
  for (const address of addresses.toReversed()) plan.address.delIfExists(address)
  plan.runSync()
  t.equal(ns.sync.address.dump({ link: 'v0' }).length, 0)
  const again = ns.plan()
  // The kernel puts a new address of IPv4 behind the others, of IPv6 before them.
  const of = (family: string) => addresses.filter((one) => one.family === family)
  for (const address of [...of('ipv4'), ...of('ipv6').toReversed()]) {
    again.address.add(address)
  }
  again.runSync()
  t.strictSame(told(ns, 'ip -d address show dev v0'), before)
  t.strictSame([...told(ns, 'ip -4 route'), ...told(ns, 'ip -6 route')], routes)
})

t.test('next hops and routes by them, and what is sent in another packet', async (t) => {
  const ns = namespace()
  const lines = (command: string) =>
    inside(ns, 'ip', command.split(' ')).split('\n').toSorted()
  ip(
    ns,
    ...STAGE,
    'address add 10.0.0.1/24 dev v0',
    'address add fd00::1/64 dev v0 nodad',
    'nexthop add id 1 via 10.0.0.2 dev v0',
    'nexthop add id 2 via 10.0.0.3 dev v0 onlink',
    'nexthop add id 3 group 1,3/2,7',
    'nexthop add id 4 blackhole',
    'nexthop add id 5 via fd00::2 dev v0',
    'nexthop add id 6 via fd00::3 dev v0',
    'nexthop add id 7 group 5/6,2',
    'route add 10.1.0.0/16 nhid 1',
    'route add 10.2.0.0/16 nhid 3 metric 50',
    'route add 10.3.0.0/16 nhid 4',
    'route add 10.4.0.0/16 nexthop via 10.0.0.2 dev v0 weight 3 nexthop via 10.0.0.3 dev v0',
    'route add 10.5.0.0/16 encap ip id 5 dst 10.0.0.9 dev v0',
    'route add 10.6.0.0/16 via 10.0.0.2 mtu 1400 advmss lock 1300 congctl reno',
    'route add 10.7.0.0/16 nhid 5',
    '-6 route add fd01::/64 encap seg6 mode encap segs fd00::9 dev v0'.replace('-6 ', ''),
    'route add fd02::/64 nhid 7',
    'route add fd03::/64 nhid 5 metric 7',
    'route add fd04::/64 nexthop via fd00::2 dev v0 nexthop via fd00::3 dev v0 weight 5',
  )
  const shown = () => [
    ...lines('-d route show table all'),
    ...lines('-6 -d route show table all'),
    ...lines('-d nexthop'),
  ]
  const before = shown()
  const ours = ns.sync.route.dump().filter(({ protocol }) => protocol !== 'kernel')
  const hops = ns.sync.nextHop.dump()
  t.equal(hops.length, 7)
  t.equal(ours.filter(({ nextHopId }) => nextHopId !== undefined).length, 6)
  const plan = ns.plan()
  for (const route of ours) plan.route.del(route)
  for (const { id } of hops.toReversed()) plan.nextHop.del(id)
  plan.runSync()
  t.equal(ns.sync.nextHop.dump().length, 0)
  const again = ns.plan()
  const groupsLast = hops.toSorted((a, b) => Number('group' in a) - Number('group' in b))
  for (const hop of groupsLast) again.nextHop.add(hop)
  for (const route of ours) again.route.add(route)
  again.runSync()
  t.strictSame(shown(), before)
  const replaced = ns.plan()
  for (const route of ours) replaced.route.replace(route)
  replaced.runSync()
  t.strictSame(shown(), before, 'replace by itself changes nothing')
})

t.test('rules', async (t) => {
  const ns = namespace()
  const rules = [
    'from 10.0.0.0/8 to 10.1.0.0/16 table 500 priority 100',
    'not from 10.0.0.0/8 fwmark 5/0xff iif v0 table 501 priority 101',
    'oif v0 ipproto tcp sport 80-90 dport 443 lookup 502 priority 102',
    'uidrange 0-9 prohibit priority 103',
    'from all tos 0x10 blackhole priority 104',
    'from all goto 32766 priority 105 protocol 99',
    'from all lookup main suppress_prefixlength 0 priority 106',
    'from all lookup main suppress_ifgroup 7 priority 107',
    'from 10.9.0.0/16 realms 3/4 lookup 503 priority 108',
    'from all tun_id 7 lookup 504 priority 109',
    'from all unreachable priority 110',
    'from all nop priority 111',
  ]
  ip(ns, ...STAGE, ...rules.map((line) => `rule add ${line}`))
  inside(ns, 'ip', [
    '-6',
    'rule',
    'add',
    ...'from fd00::/8 table 600 priority 50'.split(' '),
  ])
  const shown = () => [...told(ns, 'ip -d -4 rule'), ...told(ns, 'ip -d -6 rule')]
  const before = shown()
  const all = ns.sync.rule
    .dump()
    .filter(({ priority }) => priority > 0 && priority < 32766)
  t.equal(all.length, rules.length + 1)
  const plan = ns.plan()
  for (const rule of all) plan.rule.del(rule)
  for (const rule of all) plan.rule.add(rule)
  plan.runSync()
  t.strictSame(shown(), before)
})

t.test('neighbours and forwarding tables', async (t) => {
  const ns = namespace()
  ip(
    ns,
    ...STAGE,
    'link add br0 up type bridge',
    'link set v0 master br0',
    'link add vx0 up type vxlan id 5 dstport 4789',
    'neighbour add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v1 nud permanent',
    'neighbour add 10.0.0.3 lladdr 02:00:00:00:00:03 dev v1 nud noarp',
    'neighbour add fd00::2 lladdr 02:00:00:00:00:02 dev v1 nud permanent router',
    'neighbour add 10.0.0.4 lladdr 02:00:00:00:00:04 dev v1 nud permanent extern_learn',
    'neighbour add proxy 10.0.0.9 dev v1',
    'neighbour add proxy fd00::9 dev v1',
  )
  for (const line of [
    'fdb add 02:00:00:00:00:05 dev v0 master static',
    'fdb add 02:00:00:00:00:06 dev v0 master static sticky',
    'fdb add 02:00:00:00:00:07 dev vx0 dst 10.0.0.7 port 4790 vni 9',
    'fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.8',
    'fdb append 00:00:00:00:00:00 dev vx0 dst 10.0.0.9',
  ]) {
    inside(ns, 'bridge', line.split(' '))
  }
  const shown = () => [
    ...told(ns, 'ip -d neighbour show nud all', ({ state }) => !state?.includes('NONE')),
    ...told(ns, 'ip neighbour show proxy'),
    ...told(ns, 'ip -6 neighbour show proxy'),
    ...told(ns, 'bridge fdb', ({ mac }) => /^0[02]:00:00:00:00/.test(mac)),
  ]
  const before = shown()
  t.ok(before.length > 10)
  const entries = ns.sync.neighbour
    .dump()
    .filter(({ state, mac }) => mac && ['permanent', 'noArp'].includes(String(state)))
    .filter(({ mac }) => mac?.startsWith('02:00:00:00'))
  const proxies = ns.sync.neighbour.dump({ proxy: true })
  const fdb = ns.sync.fdb.dump().filter(({ mac }) => /^0[02]:00:00:00:00/.test(mac))
  t.strictSame([entries.length, proxies.length, fdb.length], [4, 2, 5])
  const plan = ns.plan()
  for (const one of [...entries, ...proxies]) {
    plan.neighbour.del({
      link: one.link,
      address: one.address,
      ...(one.proxy && { proxy: true }),
    })
  }
  for (const one of fdb) plan.fdb.del(one)
  for (const one of [...entries, ...proxies]) plan.neighbour.replace(one)
  for (const one of fdb) plan.fdb.append(one)
  plan.runSync()
  t.strictSame(shown(), before)
})

const KINDS = [
  'link add x0 type bridge stp_state 1 forward_delay 400 hello_time 300 max_age 1000 ageing_time 5000 priority 5 mcast_snooping 0 group_fwd_mask 8 mcast_router 2',
  'link add x0 type bridge mcast_querier 1 mcast_hash_max 512 mcast_last_member_count 3 mcast_last_member_interval 200 mcast_query_interval 9000 mcast_igmp_version 3 mcast_mld_version 2 mcast_stats_enabled 1 mcast_query_use_ifaddr 1 mcast_startup_query_count 5',
  'link add x0 link v0 type macvlan mode bridge bcqueuelen 500',
  'link add x0 link v0 type macvtap mode private',
  'link add x0 type vxlan id 9 local 10.0.0.1 remote 10.0.0.2 dstport 4789 srcport 1000 2000 ttl 9 tos 4 ageing 77 maxaddress 5 nolearning proxy l2miss l3miss udpcsum',
  'link add x0 type vxlan id 9 dev v0 group 239.1.1.1 dstport 4789',
  'link add x0 type vxlan id 9 local fd00::1 remote fd00::2 dstport 4789 udp6zerocsumtx',
  'link add x0 type vxlan external dstport 4789',
  'link add x0 type ifb',
  'tuntap add dev x0 mode tap user 54321 group 100 vnet_hdr multi_queue',
  'tuntap add dev x0 mode tun pi',
]

t.test('links of every kind that this kernel has', async (t) => {
  for (const line of KINDS) {
    const ns = namespace()
    ip(ns, ...STAGE, 'address add 10.0.0.1/24 dev v0', line)
    ip(ns, 'link set x0 alias given group 7 txqueuelen 55 up')
    ip(ns, 'link property add dev x0 altname another-name altname third')
    const before = told(ns, 'ip -d link show dev x0')
    const link = ns.sync.link.read('x0', { statistics: true })
    ns.sync.link.del('x0')
    ns.sync.link.add(link)
    t.strictSame(told(ns, 'ip -d link show dev x0'), before, line)
    ns.sync.link.ensure(link)
    t.strictSame(told(ns, 'ip -d link show dev x0'), before, `${line}, once more`)
  }
})

t.test('a port with what it has as such', async (t) => {
  const ns = namespace()
  ip(
    ns,
    ...STAGE,
    'link add br0 type bridge',
    'link add x0 type ifb',
    'link set v0 master br0',
  )
  ip(ns, 'link set x0 master br0')
  ip(
    ns,
    'link set x0 type bridge_slave hairpin on isolated on learning off cost 55 priority 9 backup_port v0',
  )
  const before = told(ns, 'ip -d link show dev x0')
  t.match(before, [/"hairpin":true/])
  const [link] = ns.sync.link.dump({ master: 'br0' }).filter(({ name }) => name === 'x0')
  ns.sync.link.del('x0')
  ns.sync.link.add(link as Link)
  t.strictSame(told(ns, 'ip -d link show dev x0'), before)
})

t.test('links that link.add cannot make are refused by name', async (t) => {
  const ns = namespace()
  const other = namespace()
  ip(ns, ...STAGE)
  const refused = (name: string, message: RegExp, from = ns) =>
    t.throws(() => ns.sync.link.add(from.sync.link.read(name)), {
      name: 'TypeError',
      message,
    })
  refused('v0', /^kind: v0 is an end of a veth pair; make pairs by link\.addVeth$/)
  refused('lo', /^kind: lo is hardware or loopback, which link\.add does not make$/)
  ns.sync.link.add({ kind: 'macvlan', name: 'm0', link: 'v0' })
  ns.sync.link.set('m0', { netns: other })
  refused('m0', /^link: the link beneath m0 is in another namespace/, other)
})
