/**
 * Every builder of expressions against the nft program: the same rules made by both in two
 * namespaces read the same, by `nft -j list ruleset` and by list(), bytes and all.
 */
import t from 'tap'
import {
  between,
  bits,
  connlimit,
  counter,
  ctOf,
  ctState,
  dnat,
  dup,
  dynset,
  encodeValue,
  eq,
  fib,
  field,
  hash,
  hostOrder,
  ifname,
  inPrefix,
  inSet,
  ipv4Bytes,
  limit,
  log,
  masquerade,
  masqueradeTo,
  neq,
  NetNs,
  notrack,
  numgen,
  objectMap,
  objectRef,
  quota,
  redirect,
  reject,
  rt,
  snat,
  socket,
  store,
  storeFrom,
  tproxy,
  Transaction,
  verdict,
  verdictMap,
  type ChainDef,
  type Expr,
  type NftFamily,
  type ObjectDef,
  type SetDef,
} from '../../dist/esm/index.js'
import { nftJson, nftLoad } from '../helpers/in-namespace.js'

interface Case {
  readonly text: string
  readonly expressions: Expr[]
}

interface Suite {
  readonly family: NftFamily
  readonly chain: Omit<ChainDef, 'family' | 'table' | 'name'>
  readonly chainText: string
  readonly cases: Case[]
  readonly sets?: Omit<SetDef, 'family' | 'table'>[]
  readonly objects?: Omit<ObjectDef, 'family' | 'table'>[]
  /** Sets and objects as the nft program writes them. */
  readonly text?: string
}

const rule = (text: string, ...expressions: Expr[]): Case => ({ text, expressions })
const port = (n: number) => encodeValue(['inet_service'], [n])
const tcp = eq(field.l4proto, Uint8Array.of(6))
const udp = eq(field.l4proto, Uint8Array.of(17))
const ipv4 = eq(field.nfproto, Uint8Array.of(2))

function compare(suite: Suite): void {
  const ours = NetNs.create()
  const theirs = NetNs.create()
  t.teardown(() => {
    ours.close()
    theirs.close()
  })
  const { family, chain, cases, sets = [], objects = [] } = suite
  const where = { family, table: 'x' }
  const tx = new Transaction().addTable({ family, name: 'x' })
  for (const object of objects) tx.addObject({ ...where, ...object })
  for (const set of sets) tx.addSet({ ...where, ...set })
  tx.addChain({ ...where, name: 'other' }).addChain({ ...where, name: 'c', ...chain })
  for (const { expressions } of cases) tx.addRule({ ...where, chain: 'c', expressions })
  ours.sync.nftables.commit(tx)
  const body = cases.map(({ text }) => `    ${text}`).join('\n')
  const hook = `    ${suite.chainText}`
  nftLoad(
    theirs,
    `table ${family} x {\n${suite.text ?? ''}\n  chain other { }\n  chain c {\n${hook}\n${body}\n  }\n}\n`,
  )
  t.test(`${family} ${chain.type ?? 'filter'} ${chain.hook ?? ''}`, async (t) => {
    t.same(nftJson(ours), nftJson(theirs), 'nft tells the same of both')
    const a = ours.sync.nftables.list().rules
    const b = theirs.sync.nftables.list().rules
    t.equal(a.length, cases.length)
    cases.forEach(({ text }, i) => {
      t.same(a[i]?.expressions, b[i]?.expressions, `the same expressions: ${text}`)
    })
  })
}

compare({
  family: 'ip',
  chain: { hook: 'prerouting', priority: 'mangle', policy: 'accept' },
  chainText: 'type filter hook prerouting priority mangle; policy accept;',
  sets: [
    { name: 'hosts', key: ['ipv4_addr'] },
    { name: 'act', key: ['ipv4_addr'], verdicts: true },
    { name: 'seen', key: ['ipv4_addr'], dynamic: true, size: 1024 },
    { name: 'flows', key: ['ipv4_addr'], dynamic: true, timeouts: false, size: 1024 },
    { name: 'pair', key: ['ipv4_addr', 'inet_service'] },
    { name: 'counts', key: ['ipv4_addr'], objects: 'counter' },
  ],
  objects: [
    { name: 'cnt', counter: {} },
    { name: 'amount', quota: { bytes: 1000, over: true } },
    { name: 'lim', limit: { rate: 10, per: 'second' } },
  ],
  text: `
  counter cnt { packets 0 bytes 0 }
  quota amount { over 1000 bytes }
  limit lim { rate 10/second }
  set hosts { type ipv4_addr; }
  map act { type ipv4_addr : verdict; }
  set seen { type ipv4_addr; size 1024; flags dynamic,timeout; }
  set flows { type ipv4_addr; size 1024; flags dynamic; }
  set pair { type ipv4_addr . inet_service; }
  map counts { type ipv4_addr : counter; }`,
  cases: [
    rule('ip saddr 10.0.0.1', ...eq(field.ipSource, ipv4Bytes('10.0.0.1'))),
    rule('ip daddr != 10.0.0.1', ...neq(field.ipDestination, ipv4Bytes('10.0.0.1'))),
    rule(
      'ip saddr 10.1.64.0/18',
      ...inPrefix(field.ipSource, ipv4Bytes('10.1.64.0'), 18),
    ),
    rule(
      'tcp dport 80 accept',
      ...tcp,
      ...eq(field.destinationPort, port(80)),
      verdict('accept'),
    ),
    rule(
      'tcp dport 80-90 drop',
      ...tcp,
      ...between(field.destinationPort, port(80), port(90)),
      verdict('drop'),
    ),
    rule(
      'udp sport != 80-90 return',
      ...udp,
      ...between(field.sourcePort, port(80), port(90), true),
      verdict('return'),
    ),
    rule(
      'meta iifname "eth0" jump other',
      ...eq(field.iifname, ifname('eth0')),
      verdict({ jump: 'other' }),
    ),
    rule(
      'meta iifname "eth1" goto other',
      ...eq(field.iifname, ifname('eth1')),
      verdict({ goto: 'other' }),
    ),
    rule('meta mark 0x10 counter', ...eq(field.mark, hostOrder(16)), counter()),
    rule('meta mark set 0x11', ...store(field.mark, hostOrder(17))),
    rule(
      'ct state established,related accept',
      ...bits(field.ctState, hostOrder(ctState.established | ctState.related), 'any'),
      verdict('accept'),
    ),
    rule('ct mark 5', ...eq(field.ctMark, hostOrder(5))),
    rule('ct mark set 6', ...store(field.ctMark, hostOrder(6))),
    rule('ct mark set mark', field.mark.load(0), storeFrom(field.ctMark)),
    rule(
      'ct original ip saddr 10.0.0.9',
      ...eq(ctOf('original', 'source'), ipv4Bytes('10.0.0.9')),
    ),
    rule(
      'meta l4proto tcp ct original proto-dst 80',
      ...tcp,
      ...eq(ctOf('original', 'protocolDestination'), port(80)),
    ),
    rule('fib daddr type local', ...eq(field.destinationType, hostOrder(2))),
    rule('fib saddr . iif oif 0', ...eq(fib(['source', 'iif'], 'oif'), hostOrder(0))),
    rule('ip saddr @hosts', ...inSet([field.ipSource], 'hosts')),
    rule('ip saddr != @hosts', ...inSet([field.ipSource], 'hosts', true)),
    rule('ip saddr vmap @act', ...verdictMap([field.ipSource], 'act')),
    rule(
      'tcp dport 1 ip saddr . tcp dport @pair',
      ...tcp,
      ...eq(field.destinationPort, port(1)),
      ...inSet([field.ipSource, field.destinationPort], 'pair'),
    ),
    rule('add @seen { ip saddr }', ...dynset('add', [field.ipSource], 'seen')),
    rule(
      'update @seen { ip saddr timeout 10s }',
      ...dynset('update', [field.ipSource], 'seen', { timeout: 10_000 }),
    ),
    rule(
      'add @seen { ip saddr limit rate over 5/minute burst 5 packets }',
      ...dynset('add', [field.ipSource], 'seen', {
        expressions: [limit({ rate: 5, per: 'minute', over: true })],
      }),
    ),
    rule(
      'add @flows { ip saddr ct count over 20 }',
      ...dynset('add', [field.ipSource], 'flows', { expressions: [connlimit(20, true)] }),
    ),
    rule('delete @seen { ip saddr }', ...dynset('delete', [field.ipSource], 'seen')),
    rule('counter packets 3 bytes 100', counter({ packets: 3, bytes: 100 })),
    rule('limit rate 10/second burst 5 packets', limit({ rate: 10, per: 'second' })),
    rule(
      'limit rate over 10 kbytes/hour',
      limit({ rate: 10_240, per: 'hour', of: 'bytes', over: true }),
    ),
    rule('quota over 5 mbytes', quota({ bytes: 5 << 20, over: true })),
    rule('counter name "cnt"', objectRef('counter', 'cnt')),
    rule('quota name "amount"', objectRef('quota', 'amount')),
    rule('limit name "lim"', objectRef('limit', 'lim')),
    rule('counter name ip saddr map @counts', ...objectMap([field.ipSource], 'counts')),
    rule('log prefix "hello " level info', log({ prefix: 'hello ', level: 'info' })),
    rule(
      'log prefix "g" group 3 snaplen 64 queue-threshold 8',
      log({ prefix: 'g', group: 3, snaplen: 64, queueThreshold: 8 }),
    ),
    rule(
      'ip saddr set 10.9.9.9',
      ...store(field.ipSourceWritable, ipv4Bytes('10.9.9.9')),
    ),
    rule('tcp dport set 81', ...tcp, ...store(field.tcpDestinationWritable, port(81))),
    rule('numgen inc mod 4 2', ...eq(numgen('incremental', 4), hostOrder(2))),
    rule(
      'numgen random mod 4 offset 10 11',
      ...eq(numgen('random', 4, 10), hostOrder(11)),
    ),
    rule(
      'jhash ip saddr mod 4 seed 0xdeadbeef 1',
      ...hash([field.ipSource], 4, { seed: 0xdeadbeef }),
      { expr: 'cmp', data: { sreg: 8, op: 0, data: { value: hostOrder(1) } } },
    ),
    rule('socket transparent 1', ...eq(socket('transparent'), Uint8Array.of(1))),
    rule(
      'meta l4proto tcp tproxy to 127.0.0.1:8080',
      ...tcp,
      ...tproxy({ family: 'ip', address: '127.0.0.1', port: 8080 }),
    ),
    rule('dup to 10.0.0.7', ...dup({ address: '10.0.0.7' })),
  ],
})

compare({
  family: 'ip',
  chain: { hook: 'prerouting', type: 'nat', priority: 'dstnat' },
  chainText: 'type nat hook prerouting priority dstnat;',
  cases: [
    rule('dnat to 10.0.0.1', ...dnat({ address: '10.0.0.1' })),
    rule(
      'tcp dport 80 dnat to 10.0.0.1:8080',
      ...tcp,
      ...eq(field.destinationPort, port(80)),
      ...dnat({ address: '10.0.0.1', port: 8080 }),
    ),
    rule(
      'meta l4proto tcp dnat to 10.0.0.1-10.0.0.9:80-90',
      ...tcp,
      ...dnat({ address: ['10.0.0.1', '10.0.0.9'], port: [80, 90] }),
    ),
    rule('meta l4proto tcp dnat to :81', ...tcp, ...dnat({ family: 'ip', port: 81 })),
    rule('meta l4proto udp redirect to :53', ...udp, ...redirect({ port: 53 })),
    rule('redirect', ...redirect()),
  ],
})

compare({
  family: 'ip6',
  chain: { hook: 'postrouting', type: 'nat', priority: 'srcnat' },
  chainText: 'type nat hook postrouting priority srcnat;',
  cases: [
    rule('snat to fd00::1', ...snat({ address: 'fd00::1' })),
    rule(
      'snat to fd00::1-fd00::9 persistent',
      ...snat({ address: ['fd00::1', 'fd00::9'], flags: ['persistent'] }),
    ),
    rule('masquerade', masquerade()),
    rule('masquerade random', masquerade({ flags: ['random'] })),
    rule(
      'meta l4proto tcp masquerade to :1000-2000',
      ...tcp,
      ...masqueradeTo({ port: [1000, 2000] }),
    ),
    rule(
      'ip6 saddr fd00::/60',
      ...inPrefix(field.ip6Source, encodeValue(['ipv6_addr'], ['fd00::']), 60),
    ),
  ],
})

compare({
  family: 'inet',
  chain: { hook: 'input', priority: 'filter + 5', policy: 'drop' },
  chainText: 'type filter hook input priority filter + 5; policy drop;',
  cases: [
    rule('ip saddr 10.0.0.1', ...ipv4, ...eq(field.ipSource, ipv4Bytes('10.0.0.1'))),
    rule('reject', reject()),
    rule('reject with icmpx admin-prohibited', reject({ icmpx: 'admin-prohibited' })),
    rule('meta l4proto tcp reject with tcp reset', ...tcp, reject({ tcpReset: true })),
    rule(
      'meta nfproto ipv4 reject with icmp host-unreachable',
      ...ipv4,
      reject({ icmp: 1 }),
    ),
    rule('log', log()),
    rule('meta skuid 5', ...eq(field.socketUid, hostOrder(5))),
  ],
})

compare({
  family: 'ip',
  chain: { hook: 'output', type: 'filter', priority: 'raw' },
  chainText: 'type filter hook output priority raw;',
  cases: [
    rule('notrack', notrack()),
    rule('rt nexthop 10.0.0.1', ...eq(rt('nexthop4'), ipv4Bytes('10.0.0.1'))),
  ],
})

compare({
  family: 'bridge',
  chain: { hook: 'prerouting', priority: 'dstnat' },
  chainText: 'type filter hook prerouting priority dstnat;',
  cases: [
    rule(
      'ether saddr 02:00:00:00:00:01',
      ...eq(field.etherSource, Uint8Array.of(2, 0, 0, 0, 0, 1)),
    ),
    rule('meta iifname "br0"', ...eq(field.iifname, ifname('br0'))),
    rule('meta pkttype set host', ...store(field.packetType, Uint8Array.of(0))),
  ],
})
