import t from 'tap'
import {
  bits,
  dnatFromMap,
  dynset,
  eq,
  field,
  hostOrder,
  ifname,
  inSet,
  ipv4Bytes,
  macBytes,
  mapLookup,
  masquerade,
  neq,
  store,
  storeFrom,
  verdict,
  type Expr,
} from 'vnet-cni'

const META = { 1: 'protocol', 6: 'iifname', 7: 'oifname', 16: 'l4proto', 19: 'pkttype' }
const HEADERS = ['link', 'network', 'transport']
const VERDICTS = { 0: 'drop', 1: 'accept', 0xfffffffb: 'return' }

type Data = { readonly [key: string]: any }

// nft counts 16-byte registers from 1 and the 4-byte ones, where they do not begin such a one, on
// from 9 (libnftnl prints what it was given: 8 is the first half of register 1).
const reg = (n: number) => `reg ${n}`

function words(value: Uint8Array): string {
  const padded = new Uint8Array((value.length + 3) & ~3)
  padded.set(value)
  const list = new Uint32Array(padded.buffer)
  return Array.from(list, (w) => `0x${w.toString(16).padStart(8, '0')}`).join(' ')
}

/** One expression, the way `nft --debug=netlink` prints it. */
function line({ expr, data = {} }: Expr): string {
  const d = data as Data
  const where = `${d['length']}b @ ${HEADERS[d['base']]} header + ${d['offset']}`
  switch (expr) {
    case 'payload':
      return d['dreg'] === undefined
        ? `payload write ${reg(d['sreg'])} => ${where} csum_type ${d['checksumType']} csum_off ${d['checksumOffset']} csum_flags 0x${d['checksumFlags']}`
        : `payload load ${where} => ${reg(d['dreg'])}`
    case 'meta': {
      const key = META[d['key'] as keyof typeof META]
      return d['dreg'] === undefined
        ? `meta set ${key} with ${reg(d['sreg'])}`
        : `meta load ${key} => ${reg(d['dreg'])}`
    }
    case 'cmp':
      return `cmp ${['eq', 'neq'][d['op']]} ${reg(d['sreg'])} ${words(d['data'].value)}`
    case 'bitwise':
      return `bitwise ${reg(d['dreg'])} = ( ${reg(d['sreg'])} & ${words(d['mask'].value)} ) ^ ${words(d['xor'].value)}`
    case 'lookup':
      return `lookup ${reg(d['sreg'])} set ${d['set']}${d['dreg'] === undefined ? '' : ` dreg ${d['dreg']}`} 0x${d['flags'] ?? 0}`
    case 'dynset':
      return `dynset ${['add', 'update'][d['op']]} reg_key ${d['keySreg']} set ${d['set']} timeout ${d['timeout']}ms`
    default:
      return more(expr, d)
  }
}

function more(expr: string, d: Data): string {
  switch (expr) {
    case 'immediate': {
      const { value, verdict: v } = d['data']
      if (value) return `immediate ${reg(d['dreg'])} ${words(value)}`
      const chain = v.chain
        ? `jump -> ${v.chain}`
        : VERDICTS[v.code as keyof typeof VERDICTS]
      return `immediate ${reg(d['dreg'])} ${chain}`
    }
    case 'ct':
      return `ct load ${{ 2: 'status' }[d['key'] as 2]} => ${reg(d['dreg'])}`
    case 'fib':
      return `fib ${{ 2: 'daddr' }[d['flags'] as 2]} ${{ 3: 'type' }[d['result'] as 3]} => ${reg(d['dreg'])}`
    case 'nat':
      return `nat ${{ 1: 'dnat' }[d['type'] as 1]} ${{ 2: 'ip' }[d['family'] as 2]} addr_min ${reg(d['addressMin'])} addr_max ${reg(d['addressMax'])} proto_min ${reg(d['portMin'])} proto_max ${reg(d['portMax'])} flags 0x${d['flags']}`
    default:
      return expr
  }
}

/** Expectations below are nft's own output for the rule in the title, with 32-bit registers. */
const RULES: [string, Expr[], string[]][] = [
  [
    'iifname "eth0" drop',
    [...eq(field.iifname, ifname('eth0')), verdict('drop')],
    [
      'meta load iifname => reg 8',
      'cmp eq reg 8 0x30687465 0x00000000 0x00000000 0x00000000',
      'immediate reg 0 drop',
    ],
  ],
  [
    'oifname != "eth0" accept',
    [...neq(field.oifname, ifname('eth0')), verdict('accept')],
    [
      'meta load oifname => reg 8',
      'cmp neq reg 8 0x30687465 0x00000000 0x00000000 0x00000000',
      'immediate reg 0 accept',
    ],
  ],
  [
    'arp operation request',
    [
      ...eq(field.protocol, Uint8Array.of(8, 6)),
      ...eq(field.arpOperation, Uint8Array.of(0, 1)),
    ],
    [
      'meta load protocol => reg 8',
      'cmp eq reg 8 0x00000608',
      'payload load 2b @ network header + 6 => reg 8',
      'cmp eq reg 8 0x00000100',
    ],
  ],
  [
    'ether daddr set arp daddr ip map @endpoints',
    [...mapLookup([field.arpTargetIp], 'endpoints'), storeFrom(field.etherDestination)],
    [
      'payload load 4b @ network header + 24 => reg 8',
      'lookup reg 8 set endpoints dreg 8 0x0',
      'payload write reg 8 => 6b @ link header + 0 csum_type 0 csum_off 0 csum_flags 0x0',
    ],
  ],
  [
    'ether saddr set 02:00:00:00:00:01',
    store(field.etherSource, macBytes('02:00:00:00:00:01')),
    [
      'immediate reg 8 0x00000002 0x00000100',
      'payload write reg 8 => 6b @ link header + 6 csum_type 0 csum_off 0 csum_flags 0x0',
    ],
  ],
  [
    'meta pkttype set host',
    store(field.packetType, Uint8Array.of(0)),
    ['immediate reg 8 0x00000000', 'meta set pkttype with reg 8'],
  ],
  [
    'tcp flags fin,rst',
    bits(field.tcpFlags, Uint8Array.of(5), 'any'),
    [
      'payload load 1b @ transport header + 13 => reg 8',
      'bitwise reg 8 = ( reg 8 & 0x00000005 ) ^ 0x00000000',
      'cmp neq reg 8 0x00000000',
    ],
  ],
  [
    'tcp flags ! syn',
    bits(field.tcpFlags, Uint8Array.of(2), 'none'),
    [
      'payload load 1b @ transport header + 13 => reg 8',
      'bitwise reg 8 = ( reg 8 & 0x00000002 ) ^ 0x00000000',
      'cmp eq reg 8 0x00000000',
    ],
  ],
  [
    'ip daddr != @except return',
    [...inSet([field.ipDestination], 'except', true), verdict('return')],
    [
      'payload load 4b @ network header + 16 => reg 8',
      'lookup reg 8 set except 0x1',
      'immediate reg 0 return',
    ],
  ],
  [
    'fib daddr type local jump translate',
    [...eq(field.destinationType, hostOrder(2)), verdict({ jump: 'translate' })],
    [
      'fib daddr type => reg 8',
      'cmp eq reg 8 0x00000002',
      'immediate reg 0 jump -> translate',
    ],
  ],
  [
    'ct status dnat masquerade',
    [...bits(field.ctStatus, hostOrder(0x20), 'any'), masquerade()],
    [
      'ct load status => reg 8',
      'bitwise reg 8 = ( reg 8 & 0x00000020 ) ^ 0x00000000',
      'cmp neq reg 8 0x00000000',
      'masq',
    ],
  ],
  [
    'dnat ip to ip daddr . meta l4proto . th dport map @one',
    [
      ...mapLookup([field.ipDestination, field.l4proto, field.destinationPort], 'one'),
      dnatFromMap(),
    ],
    [
      'payload load 4b @ network header + 16 => reg 8',
      'meta load l4proto => reg 9',
      'payload load 2b @ transport header + 2 => reg 10',
      'lookup reg 8 set one dreg 8 0x0',
      'nat dnat ip addr_min reg 8 addr_max reg 8 proto_min reg 9 proto_max reg 9 flags 0x3',
    ],
  ],
  [
    'update @flows { ip saddr . ether saddr . th sport timeout 3m }',
    dynset('update', [field.ipSource, field.etherSource, field.sourcePort], 'flows', {
      timeout: 180_000,
    }),
    [
      'payload load 4b @ network header + 12 => reg 8',
      'payload load 6b @ link header + 6 => reg 9',
      'payload load 2b @ transport header + 0 => reg 11',
      'dynset update reg_key 8 set flows timeout 180000ms',
    ],
  ],
  [
    'ip saddr 10.0.0.4',
    eq(field.ipSource, ipv4Bytes('10.0.0.4')),
    ['payload load 4b @ network header + 12 => reg 8', 'cmp eq reg 8 0x0400000a'],
  ],
]

for (const [rule, expressions, expected] of RULES) {
  t.test(rule, async (t) => {
    t.strictSame(expressions.map(line), expected)
  })
}

t.test('fields that cannot be written', async (t) => {
  t.throws(() => storeFrom(field.ctStatus), TypeError)
  t.throws(() => storeFrom(field.destinationType), TypeError)
})
