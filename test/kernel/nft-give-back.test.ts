/** What the nft program makes here is read, deleted and given back: nft then tells the same. */
import t from 'tap'
import {
  inSet,
  field,
  eq,
  exprData,
  ifname,
  NetNs,
  Transaction,
  type SetDef,
} from 'vnet-cni'
import { inside, nftLoad } from '../helpers/in-namespace.js'

function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  return ns
}

/** nft's listing, where what is left of a timeout is not to be compared. */
function listed(ns: NetNs): string {
  const text = inside(ns, ['nft', 'list', 'ruleset'])
  return text.replaceAll(/ expires \S+/g, '')
}

/** Everything in one table of `family`: a part of a table each. */
const PARTS: readonly string[] = [
  // Sets of every kind of key.
  'set plain { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }',
  'set six { type ipv6_addr; flags interval; elements = { fd00::/8, ::1 }; }',
  'set ranges { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8, 192.168.1.5-192.168.1.9 }; }',
  'set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 80-90, 1.2.3.4 . 5 }; }',
  'set names { type ifname; elements = { "eth0", "lo" }; }',
  'set wild { type ifname; flags interval; elements = { "eth*", "lo", "veth*" }; }',
  'set wild_ports { type ifname . inet_service; flags interval; elements = { "eth*" . 80-90, "lo" . 5 }; }',
  'set star { type ifname; flags interval; elements = { "a\\*" }; }',
  'set marks { type mark; elements = { 5, 0x12345 }; }',
  'set mark_ranges { type mark; flags interval; elements = { 5-10, 0x12345 }; }',
  'set ip_marks { type ipv4_addr . mark; flags interval; elements = { 1.1.1.1 . 5-10 }; }',
  'set macs { type ether_addr; elements = { 02:00:00:00:00:01 }; }',
  'set users { type uid; elements = { 0, 1000 }; }',
  'set states { type ct_state; elements = { new, established }; }',
  'set types { typeof ip saddr . tcp dport; elements = { 1.2.3.4 . 80 }; }',
  'set vlans { typeof vlan id; elements = { 5, 6 }; }',
  'set raw { typeof @nh,0,8; elements = { 5 }; }',
  'set days { typeof meta day; elements = { "Monday" }; }',
  'set mss { typeof tcp option maxseg size; flags interval; elements = { 5-9 }; }',
  'set systems { typeof osf name; elements = { "Linux" }; }',
  'set codes { type icmpx_code; elements = { port-unreachable }; }',
  // Elements with all that they can have.
  'set timed { type ipv4_addr; flags timeout; timeout 1h; gc-interval 5m; elements = { 1.1.1.1 timeout 50m comment "one", 2.2.2.2 }; }',
  'set counted { type ipv4_addr; counter; elements = { 1.1.1.1 counter packets 4 bytes 5 comment "x" }; }',
  'set limited { type ipv4_addr; flags dynamic,timeout; timeout 1h; limit rate 5/second counter; elements = { 1.1.1.1 limit rate 5/second counter packets 1 bytes 2 timeout 50m comment "x" }; }',
  'set quotas { type ipv4_addr; quota over 5 mbytes; elements = { 1.1.1.1 }; }',
  'set small { type ipv4_addr; size 64; policy memory; comment "few"; }',
  'set fixed { type ipv4_addr; flags constant; elements = { 3.3.3.3 }; }',
  'set every { type ipv4_addr; counter; elements = { * counter packets 1 bytes 2, 5.5.5.5 counter packets 3 bytes 4 }; }',
  // Maps.
  'map to_port { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.1 . 8080 }; }',
  'map to_range { type ipv4_addr : interval ipv4_addr; flags interval; elements = { 10.0.0.0/8 : 1.2.3.4-1.2.3.9 }; }',
  'map to_ranges { type ipv4_addr : interval ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 : 1.2.3.4-1.2.3.9 . 80-90 }; }',
  'map to_mark { typeof ip saddr : meta mark; elements = { 10.0.0.1 : 0x00000007 }; }',
  'map to_vlan { typeof ip saddr : vlan id; elements = { 10.0.0.1 : 7 }; }',
  'map wild_verdict { type ifname : verdict; flags interval; elements = { "eth*" : accept, "lo" : jump other }; }',
  // Objects and maps to them.
  'counter total { comment "all"; packets 5 bytes 6; }',
  'quota most { over 5 mbytes used 3 bytes; }',
  'limit pace { rate over 5/second burst 7 packets; }',
  'ct helper ftp { type "ftp" protocol tcp; l3proto ip; }',
  'ct timeout slow { protocol tcp; l3proto ip; policy = { established : 100 }; }',
  'ct expectation more { protocol tcp; dport 5; timeout 1h; size 4; l3proto ip; }',
  'synproxy proxy { mss 1460; wscale 7; timestamp sack-perm; }',
  'map to_counter { type ipv4_addr : counter; elements = { 1.1.1.1 : "total" }; }',
  // Chains and rules, with sets and chains of their own.
  'chain other { counter; }',
  'chain base { type filter hook input priority filter + 5; policy drop; comment "door"; }',
  'chain nat { type nat hook prerouting priority dstnat; dnat to tcp dport map @to_port; dnat ip to ip saddr map { 1.1.1.1 : 2.2.2.2 }; }',
  `chain rules {
    ip saddr { 1.1.1.1, 2.2.2.2 } tcp dport vmap { 80 : accept, 90 : jump other } comment "two"
    ip saddr . tcp dport { 1.1.1.1 . 5-6, 2.2.2.0/24 . 7 } drop
    iifname { "eth*", "lo" } accept
    iifname "eth*" accept
    iifname != "br\\*" drop
    meta mark @mark_ranges accept
    ip saddr . meta mark @ip_marks accept
    counter name ip saddr map { 1.1.1.1 : "total" }
    counter name ip saddr map @to_counter
    quota name "most" drop
    limit name "pace" accept
    synproxy name "proxy"
    ct helper set "ftp"
    ct timeout set "slow"
    ct expectation set "more"
    udp dport 80 goto {
      drop
    }
    tcp dport 80 jump {
      counter packets 3 bytes 4 accept
      ct state established goto other
    }
    tcp flags & (fin | syn) == syn ct state { new, established } limit rate 20/second accept
    ip saddr != { 1.1.1.1 } update @timed { ip saddr timeout 5m }
    meta l4proto { tcp, udp } th dport 53 drop
    ip protocol icmp icmp type { echo-request, echo-reply } accept
    meta mark set ip saddr map @to_mark
    tcp option maxseg size set 1400
    ip dscp set cs1
    log prefix "x" group 3
    reject with icmp type host-unreachable
  }`,
]

function table(parts: readonly string[]): string {
  return `table ip t {\n  comment "all"\n${parts.map((part) => part.replaceAll('; ', '\n')).join('\n')}\n}\n`
}

function giveBack(t: Pick<typeof import('tap').t, 'equal'>, ns: NetNs): void {
  const before = listed(ns)
  const ruleset = ns.sync.nftables.list()
  const tx = new Transaction().deleteEverything().addRuleset(ruleset)
  ns.sync.nftables.commit(tx)
  t.equal(listed(ns), before)
  const again = new Transaction().deleteEverything().addRuleset(ns.sync.nftables.list())
  ns.sync.nftables.commit(again)
  t.equal(listed(ns), before)
}

t.test('a ruleset with everything', async (t) => {
  const ns = namespace()
  nftLoad(ns, table(PARTS))
  giveBack(t, ns)
})

t.test('each set and object alone', async (t) => {
  const alone = PARTS.filter((part) =>
    /^(set|map to_(port|range|mark|vlan)|counter|quota|limit|ct|synproxy)/.test(part),
  )
  t.ok(alone.length > 30)
  for (const part of alone) {
    const ns = NetNs.create()
    nftLoad(ns, table([part]))
    giveBack(t, ns)
    ns.close()
  }
})

t.test('tables of all families', async (t) => {
  const ns = namespace()
  nftLoad(
    ns,
    `table inet a { flags dormant; chain c { type filter hook forward priority 0; ip saddr 1.1.1.1 accept; ip6 daddr fd00::1 icmpv6 type echo-request accept; }; }
    table bridge b { chain c { type filter hook forward priority 0; ether saddr 02:00:00:00:00:01 arp operation request accept; vlan id 5 ip saddr 1.1.1.1 accept; }; }
    table netdev n { chain c { type filter hook ingress device "lo" priority 0; ip saddr 1.1.1.1 drop; }; }
    table arp r { chain c { type filter hook input priority 0; arp operation request arp saddr ip 1.1.1.1 drop; }; }
    table ip6 x { chain c { type nat hook postrouting priority srcnat; ip6 saddr fd00::/8 masquerade; }; }
    `,
  )
  giveBack(t, ns)
})

t.test('the beginning of interface names', async (t) => {
  const theirs = namespace()
  const ours = namespace()
  nftLoad(
    theirs,
    'table inet t {\nset s {\ntype ifname\nflags interval\nelements = { "eth*", "lo" }\n}\nset n {\ntype ifname\n}\nchain c {\niifname "eth*" accept\n}\n}\n',
  )
  const where = { family: 'inet', table: 't' } as const
  const set: SetDef = { ...where, name: 's', key: ['ifname'], interval: true }
  const names: SetDef = { ...where, name: 'n', key: ['ifname'] }
  const tx = new Transaction()
    .addTable({ family: 'inet', name: 't' })
    .addSet(set)
    .addElements(set, [{ key: ['eth*'] }, { key: ['lo'] }])
    .addSet(names)
    .addChain({ ...where, name: 'c' })
    .addRule({
      ...where,
      chain: 'c',
      expressions: [
        ...eq(field.iifname, ifname('eth*')),
        { expr: 'immediate', data: { dreg: 0, data: { verdict: { code: 1 } } } },
      ],
    })
  ours.sync.nftables.commit(tx)
  t.equal(listed(ours), listed(theirs))
  const read = theirs.sync.nftables.elements(set)
  t.strictSame(
    read.map(({ key, keyEnd }) => ({ key, keyEnd })),
    [
      { key: ['eth*'], keyEnd: undefined },
      { key: ['lo'], keyEnd: undefined },
    ],
  )
  const [rule] = theirs.sync.nftables.rules(where)
  const cmp = rule?.expressions.map((e) => exprData(e, 'cmp')).find((d) => d)
  t.strictSame(cmp?.data?.value, ifname('eth*'))
  ours.sync.nftables.commit(new Transaction().deleteElements(set, [{ key: ['eth*'] }]))
  t.strictSame(
    ours.sync.nftables.elements(set).map(({ key }) => key),
    [['lo']],
  )
  t.throws(
    () => new Transaction().addElements(names, [{ key: ['lo'] }, { key: ['eth*'] }]),
    {
      code: 'ERR_INVALID_ARG_VALUE',
      message:
        /^elements\.1: "eth\*" stands for all names .* set with interval.*; set inet t n$/,
    },
  )
  t.throws(() => ifname('*'), { message: /1 to 15 bytes before the asterisk/ })
})

t.test('ranges of marks match marks', async (t) => {
  const ns = namespace()
  const where = { family: 'inet', table: 't' } as const
  const set: SetDef = { ...where, name: 's', key: ['mark'], interval: true }
  const tx = new Transaction()
    .addTable({ family: 'inet', name: 't' })
    .addSet(set)
    .addElements(set, [{ key: [5], keyEnd: [10] }, { key: [0x12345] }])
    .addChain({ ...where, name: 'c' })
    .addRule({ ...where, chain: 'c', expressions: inSet([field.mark], set) })
  ns.sync.nftables.commit(tx)
  const text = listed(ns)
  t.match(text, 'elements = { 0x00000005-0x0000000a, 0x00012345 }')
  t.match(text, 'meta mark @s')
  t.strictSame(
    ns.sync.nftables.elements(set).map(({ key, keyEnd }) => [key, keyEnd]),
    [
      [[5], [10]],
      [[0x12345], undefined],
    ],
  )
  const other = namespace()
  nftLoad(other, text)
  t.strictSame(
    other.sync.nftables.rules(where)[0]?.expressions,
    ns.sync.nftables.rules(where)[0]?.expressions,
  )
})
