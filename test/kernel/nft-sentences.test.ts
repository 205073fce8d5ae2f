/** The same sentence, said by nft and by us, makes the same rule in every family. */
import t from 'tap'
import {
  bits,
  ctOf,
  dynset,
  eq,
  fib,
  field,
  hash,
  hostOrder,
  ifname,
  immediate,
  inPrefix,
  inSet,
  ipv4Bytes,
  ipv6Bytes,
  macBytes,
  mapLookup,
  neq,
  NetNs,
  nftFamilies,
  numgen,
  ofProtocol,
  payload,
  reject,
  rt,
  socket,
  store,
  storeFrom,
  Transaction,
  verdict,
  counter,
  type Expr,
  type NftFamily,
} from 'vnet-cni'
import { inside } from '../helpers/in-namespace.js'

const MAC = '02:00:00:00:00:01'
const four = ipv4Bytes('10.0.0.1')
const six = ipv6Bytes('fd00::1')
const mac = macBytes(MAC)
const port = Uint8Array.of(0, 80)
const one = Uint8Array.of(1)

/** How nft asks for IPv4 by itself where it has no name for a field. */
const ASK_IP: Partial<Record<NftFamily, string>> = {
  inet: 'meta nfproto ipv4',
  bridge: 'meta protocol ip',
  netdev: 'meta protocol ip',
}

const NO_IP = new Set<NftFamily>(['ip6', 'arp'])

type Sentence = string | ((family: NftFamily) => string)

/** What nft says and what we say; each field once. */
const FIELDS: { [K in keyof typeof field]: [Sentence, Uint8Array] } = {
  etherDestination: [`ether daddr ${MAC}`, mac],
  etherSource: [`ether saddr ${MAC}`, mac],
  etherType: ['ether type ip', Uint8Array.of(8, 0)],
  arpOperation: ['arp operation request', Uint8Array.of(0, 1)],
  arpSenderMac: [`arp saddr ether ${MAC}`, mac],
  arpSenderIp: ['arp saddr ip 10.0.0.1', four],
  arpTargetIp: ['arp daddr ip 10.0.0.1', four],
  ipTos: [(f) => (NO_IP.has(f) ? 'ip ttl 1' : `${ASK_IP[f] ?? ''} @nh,8,8 1`), one],
  ipTtl: ['ip ttl 1', one],
  ipProtocol: ['ip protocol 1', one],
  ipSource: ['ip saddr 10.0.0.1', four],
  ipSourceFirstByte: ['ip saddr 1.0.0.0/8', one],
  ipDestination: ['ip daddr 10.0.0.1', four],
  ipSourceWritable: ['ip saddr 10.0.0.1', four],
  ipDestinationWritable: ['ip daddr 10.0.0.1', four],
  ip6NextHeader: ['ip6 nexthdr 1', one],
  ip6HopLimit: ['ip6 hoplimit 1', one],
  ip6Source: ['ip6 saddr fd00::1', six],
  ip6Destination: ['ip6 daddr fd00::1', six],
  icmpType: [(f) => (f === 'ip6' ? 'icmpv6 type 1' : 'icmp type 1'), one],
  icmpCode: [(f) => (f === 'ip6' ? 'icmpv6 code 1' : 'icmp code 1'), one],
  icmpv6Type: ['icmpv6 type 1', one],
  icmpv6Code: ['icmpv6 code 1', one],
  sourcePort: ['th sport 80', port],
  destinationPort: ['th dport 80', port],
  tcpSourceWritable: ['tcp sport 80', port],
  tcpDestinationWritable: ['tcp dport 80', port],
  udpSourceWritable: ['udp sport 80', port],
  udpDestinationWritable: ['udp dport 80', port],
  tcpFlags: ['tcp flags == fin', one],
  packetLength: ['meta length 1', hostOrder(1)],
  protocol: ['meta protocol ip', Uint8Array.of(8, 0)],
  mark: ['meta mark 1', hostOrder(1)],
  iif: ['iif 1', hostOrder(1)],
  oif: ['oif 1', hostOrder(1)],
  iifname: ['iifname "eth0"', ifname('eth0')],
  oifname: ['oifname "eth0"', ifname('eth0')],
  socketUid: ['meta skuid 1', hostOrder(1)],
  socketGid: ['meta skgid 1', hostOrder(1)],
  trace: ['meta nftrace 1', one],
  nfproto: ['meta nfproto ipv4', Uint8Array.of(2)],
  l4proto: ['meta l4proto 1', one],
  bridgeIifname: ['meta ibrname "br0"', ifname('br0')],
  bridgeOifname: ['meta obrname "br0"', ifname('br0')],
  packetType: ['meta pkttype broadcast', one],
  cpu: ['meta cpu 1', hostOrder(1)],
  iifGroup: ['iifgroup 1', hostOrder(1)],
  oifGroup: ['oifgroup 1', hostOrder(1)],
  cgroup: ['meta cgroup 1', hostOrder(1)],
  ctState: ['ct state == invalid', hostOrder(1)],
  ctDirection: ['ct direction reply', one],
  ctStatus: ['ct status == expected', hostOrder(1)],
  ctMark: ['ct mark 1', hostOrder(1)],
  ctZone: ['ct zone 1', new Uint8Array(Uint16Array.of(1).buffer)],
  destinationType: ['fib daddr type local', hostOrder(2)],
  sourceType: ['fib saddr type local', hostOrder(2)],
}

/** What nft itself will not say, though the kernel takes it. */
const NFT_REFUSES = (name: string, family: NftFamily) =>
  name === 'nfproto' && family !== 'inet'

const fromSet = [field.ipSource, field.tcpDestinationWritable]

const BOTH: NftFamily[] = ['inet', 'bridge', 'netdev']

/**
 * Sentences of more than a field; sets and maps are those of SETS. With families, those where they
 * make sense: elsewhere nft leaves out what goes without saying, or refuses what the kernel takes.
 */
const SENTENCES: [string, Expr[], NftFamily[]?][] = [
  ['ip saddr != 10.0.0.1 drop', [...neq(field.ipSource, four), verdict('drop')]],
  ['ip saddr 10.1.0.0/17', inPrefix(field.ipSource, ipv4Bytes('10.1.0.0'), 17)],
  ['ip6 saddr fd00::/12', inPrefix(field.ip6Source, ipv6Bytes('fd00::'), 12)],
  ['tcp flags fin', bits(field.tcpFlags, one, 'any')],
  [
    'counter ip saddr 10.0.0.1 counter',
    [counter(), ...eq(field.ipSource, four), counter()],
  ],
  [
    'meta l4proto tcp ip saddr 10.0.0.1 tcp flags == fin',
    [
      ...eq(field.l4proto, Uint8Array.of(6)),
      ...eq(field.ipSource, four),
      ...eq(field.tcpFlags, one),
    ],
  ],
  [
    'ip protocol tcp tcp dport 80',
    [
      ...eq(field.ipProtocol, Uint8Array.of(6)),
      ...eq(field.tcpDestinationWritable, port),
    ],
  ],
  [
    'ip6 nexthdr udp udp dport 80',
    [
      ...eq(field.ip6NextHeader, Uint8Array.of(17)),
      ...eq(field.udpDestinationWritable, port),
    ],
  ],
  [
    'ip protocol icmp icmp type 1',
    [...eq(field.ipProtocol, one), ...eq(field.icmpType, one)],
  ],
  [
    'meta l4proto ipv6-icmp icmpv6 type 1',
    [...eq(field.l4proto, Uint8Array.of(58)), ...eq(field.icmpv6Type, one)],
    [...BOTH, 'ip6'],
  ],
  [
    'meta nfproto ipv4 ip saddr 10.0.0.1',
    [...eq(field.nfproto, Uint8Array.of(2)), ...eq(field.ipSource, four)],
    ['inet'],
  ],
  [
    'meta protocol ip ip saddr 10.0.0.1',
    [...eq(field.protocol, Uint8Array.of(8, 0)), ...eq(field.ipSource, four)],
    BOTH,
  ],
  [
    'meta protocol arp arp operation request',
    [
      ...eq(field.protocol, Uint8Array.of(8, 6)),
      ...eq(field.arpOperation, Uint8Array.of(0, 1)),
    ],
  ],
  [
    'ether type ip6 ip6 saddr fd00::1',
    [...eq(field.etherType, Uint8Array.of(0x86, 0xdd)), ...eq(field.ip6Source, six)],
    BOTH,
  ],
  ['ip saddr . tcp dport @pairs accept', [...inSet(fromSet, 'pairs'), verdict('accept')]],
  ['ip saddr . tcp dport != @pairs', inSet(fromSet, 'pairs', true)],
  ['ip ttl set 1', store(field.ipTtl, one)],
  ['ip daddr set 10.0.0.1', store(field.ipDestinationWritable, four)],
  ['udp dport set 80', store(field.udpDestinationWritable, port)],
  ['ether daddr set 02:00:00:00:00:01', store(field.etherDestination, mac)],
  ['add @seen { ip saddr }', dynset('add', [field.ipSource], 'seen')],
  [
    'meta mark set jhash ip saddr . ip daddr mod 8 seed 1',
    [
      ...hash([field.ipSource, field.ipDestination], 8, { seed: 1 }),
      storeFrom(field.mark),
    ],
  ],
  ['numgen inc mod 4 1', eq(numgen('incremental', 4), hostOrder(1))],
  ['ct original ip saddr 10.0.0.1', eq(ctOf('original', 'source'), four), ['ip', 'inet']],
  ['ct reply ip6 daddr fd00::1', eq(ctOf('reply', 'destination6'), six), ['ip6', 'inet']],
  ['rt ip nexthop 10.0.0.1', eq(rt('nexthop4'), four), ['ip', 'inet']],
  ['rt ip6 nexthop fd00::1', eq(rt('nexthop6'), six), ['ip6', 'inet']],
  ['socket transparent 1', eq(socket('transparent'), one)],
  ['reject with tcp reset', [reject({ tcpReset: true })]],
  [
    'tcp dport 80 reject with tcp reset',
    [...eq(field.tcpDestinationWritable, port), reject({ tcpReset: true })],
  ],
  [
    'udp dport 80 reject with tcp reset',
    [...eq(field.udpDestinationWritable, port), reject({ tcpReset: true })],
  ],
  [
    'meta l4proto tcp counter reject with tcp reset',
    [...eq(field.l4proto, Uint8Array.of(6)), counter(), reject({ tcpReset: true })],
  ],
  [
    'ip saddr 10.0.0.1 reject with tcp reset',
    [...eq(field.ipSource, four), reject({ tcpReset: true })],
  ],
  [
    'counter reject with icmp host-unreachable',
    [counter(), reject({ icmp: 1 })],
    [...BOTH, 'ip', 'arp'],
  ],
  ['reject with icmpv6 port-unreachable', [reject({ icmpv6: 4 })]],
  [
    'ip6 saddr fd00::1 reject with icmpv6 port-unreachable',
    [...eq(field.ip6Source, six), reject({ icmp: 4 })],
  ],
  [
    'ip6 saddr fd00::1 reject with icmp host-unreachable',
    [...eq(field.ip6Source, six), reject({ icmpv6: 1 })],
    ['ip', 'arp'],
  ],
  [
    'ip saddr 10.0.0.1 reject with icmpv6 port-unreachable',
    [...eq(field.ipSource, four), reject({ icmpv6: 4 })],
  ],
  ['reject with icmpx port-unreachable', [reject()], BOTH],
  ['fib saddr . iif oif 0', eq(fib(['source', 'iif'], 'oif'), hostOrder(0))],
  ['@nh,64,8 1', eq(payload('network', 8, 1), one)],
]

/** The same rule in other expressions, that nft tells in the same words. */
const WORDS: [string, Expr[], NftFamily[]?][] = [
  [
    'ip saddr 10.0.0.1 ip daddr 10.0.0.1 tcp sport 80 tcp dport 80',
    [
      ...eq(field.ipSource, four),
      ...eq(field.ipDestination, four),
      ...eq(field.tcpSourceWritable, port),
      ...eq(field.tcpDestinationWritable, port),
    ],
  ],
  [
    'ether daddr set ip daddr map @macs',
    [...mapLookup([field.ipDestination], 'macs'), storeFrom(field.etherDestination)],
  ],
  [
    'ether saddr 02:00:00:00:00:01 ip saddr 10.0.0.1 tcp flags syn',
    [
      ...eq(field.etherSource, mac),
      ...eq(field.ipSource, four),
      ...bits(field.tcpFlags, Uint8Array.of(2), 'any'),
    ],
  ],
  ['ip saddr 10.0.0.0/8', inPrefix(field.ipSource, ipv4Bytes('10.0.0.0'), 8)],
]

const SETS = `
  set pairs { type ipv4_addr . inet_service; }
  set seen { type ipv4_addr; size 8; flags dynamic; }
  map macs { type ipv4_addr : ether_addr; }
  chain c { }
`

const families = Object.keys(nftFamilies) as NftFamily[]

/** A namespace with the same sets in a table of each family. */
function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  const tables = families.map((family) => `table ${family} t { ${SETS} }`)
  inside(ns, ['nft', '-f', '-'], tables.join('\n'))
  return ns
}

const theirs = namespace()
const ours = namespace()

function lastOf(ns: NetNs, family: NftFamily): readonly Expr[] {
  const rules = ns.sync.nftables.rules({ family, table: 't' })
  return rules.at(-1)?.expressions ?? []
}

/** The last rule, in nft's words. */
function told(ns: NetNs, family: NftFamily): string {
  const lines = inside(ns, ['nft', 'list', 'chain', family, 't', 'c']).split('\n')
  return lines.at(-4)?.trim() ?? ''
}

function flush(family: NftFamily): void {
  for (const ns of [ours, theirs]) {
    const chain = { family, table: 't', name: 'c' }
    ns.sync.nftables.commit(new Transaction().flushChain(chain))
  }
}

function byNft(family: NftFamily, sentence: string): boolean {
  try {
    inside(theirs, ['nft', `add rule ${family} t c ${sentence}`])
    return true
  } catch {
    return false
  }
}

function byUs(family: NftFamily, expressions: Expr[]): Error | undefined {
  const rule = { family, table: 't', chain: 'c', expressions }
  try {
    ours.sync.nftables.commit(new Transaction().addRule(rule))
    return undefined
  } catch (error) {
    return error as Error
  }
}

type Tap = typeof t

function compare(
  t: Pick<Tap, 'ok' | 'equal' | 'strictSame'>,
  family: NftFamily,
  sentence: string,
  expressions: Expr[],
): void {
  const taken = byNft(family, sentence)
  const error = byUs(family, expressions)
  const what = `${family}: ${sentence}`
  if (!taken) {
    t.ok(error, `${what}: refused, as nft does`)
    return
  }
  t.equal(error, undefined, what)
  t.strictSame(lastOf(ours, family), lastOf(theirs, family), what)
}

t.test('every field in every family', async (t) => {
  for (const family of families) {
    for (const [name, [sentence, value]] of Object.entries(FIELDS)) {
      if (NFT_REFUSES(name, family)) continue
      const f = field[name as keyof typeof field]
      const text = typeof sentence === 'string' ? sentence : sentence(family)
      compare(t, family, text, eq(f, value))
    }
  }
})

t.test('longer sentences', async (t) => {
  for (const family of families) {
    for (const [sentence, expressions, among = families] of SENTENCES) {
      if (!among.includes(family)) continue
      compare(t, family, sentence, expressions)
    }
  }
})

t.test('nft tells our rules in its own words', async (t) => {
  for (const family of families) {
    for (const [sentence, expressions, among = families] of [...SENTENCES, ...WORDS]) {
      if (!among.includes(family)) continue
      flush(family)
      if (!byNft(family, sentence)) continue
      t.equal(byUs(family, expressions), undefined)
      t.equal(told(ours, family), told(theirs, family), `${family}: ${sentence}`)
    }
  }
})

t.test('a field that is not of the packets of its rule', async (t) => {
  const where = { table: 't', chain: 'c' }
  const wrong: [NftFamily, Expr[], RegExp][] = [
    [
      'ip6',
      eq(field.ipSource, four),
      /^expressions\.0: the field is of ip, .* about ip6/,
    ],
    ['inet', eq(field.arpSenderIp, four), /^expressions\.0: the field is of arp/],
    [
      'arp',
      eq(field.tcpFlags, one),
      /^expressions\.0: the field is of tcp, .* about arp/,
    ],
    [
      'inet',
      [...eq(field.ipSource, four), ...eq(field.ip6Source, six)],
      /^expressions\.2: the field is of ip6, and the rule is about ip;/,
    ],
    [
      'ip',
      [...eq(field.l4proto, Uint8Array.of(17)), ...eq(field.tcpFlags, one)],
      /^expressions\.2: the field is of tcp, and the rule is about udp;/,
    ],
  ]
  for (const [family, expressions, message] of wrong) {
    t.throws(() => new Transaction().addRule({ ...where, family, expressions }), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message,
    })
  }
})

t.test(
  'a rule that was read gets no check, nor do fields without a protocol',
  async (t) => {
    const raw = '@nh,96,32 0x0a000001 @th,0,8 1'
    t.ok(byNft('inet', raw))
    const read = lastOf(theirs, 'inet')
    t.equal(byUs('inet', [...read]), undefined)
    t.strictSame(lastOf(ours, 'inet'), read)
    t.equal(read.length, 4)
  },
)

t.test('a check does not fall between what hands on a register', async (t) => {
  const first = ofProtocol('ip', payload('network', 16, 1))
  const rule = [
    immediate(0, hostOrder(7)),
    storeFrom(field.mark),
    counter(),
    first.load(1),
    immediate(0, one),
    { expr: 'dynset', data: { set: 'odd', op: 0, keySreg: 8 } },
  ]
  t.equal(byUs('inet', rule.slice(0, 4)), undefined)
  t.strictSame(
    lastOf(ours, 'inet').map(({ expr }) => expr),
    ['immediate', 'meta', 'counter', 'meta', 'cmp', 'payload'],
  )
  const stored = [
    ...mapLookup([field.ipDestination], 'macs'),
    storeFrom(field.etherSource),
  ]
  t.equal(byUs('inet', [counter(), ...stored]), undefined)
  t.strictSame(
    lastOf(ours, 'inet').map(({ expr }) => expr),
    ['counter', 'meta', 'cmp', 'meta', 'cmp', 'payload', 'lookup', 'payload'],
  )
})
