import t from 'tap'
import { ipv4Bytes, ipv6Bytes, macBytes } from '../../lib/ip/index.js'
import { elementToWire, intervalToWire } from '../../lib/nft/element.js'
import { elementsFromWire } from '../../lib/nft/element-read.js'
import { ifname } from '../../lib/nft/expr/fields.js'
import { hookNumber } from '../../lib/nft/families.js'
import type { SetDef } from '../../lib/nft/set-def.js'
import {
  decodeValue,
  encodeValue,
  typeId,
  typeLength,
  type DataTypeName,
  type DataValue,
} from '../../lib/nft/types.js'
import { commentBytes, MAX_COMMENT } from '../../lib/nft/userdata.js'
import { plain } from '../kernel/helper.js'
import { seeded } from '../helpers/seeded.js'

const seed = Number(process.env['SEED'] ?? Date.now() & 0x7fffffff)
const random = seeded(seed)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

t.test('addresses as bytes', async (t) => {
  t.equal(hex(ipv4Bytes('10.0.0.255')), '0a0000ff')
  t.equal(hex(macBytes('02:00:5E:10:00:0a')), '02005e10000a')
  const noAddress = [
    ...['', '10', '10.0.0', '10.0.0.1.2', '10.0.0.256', '10.0.0.-1', '10.0.0.x'],
    ...[
      '10.0.0.',
      '.0.0.1',
      '10..0.1',
      ' 10.0.0.1',
      '10.0.0.1 ',
      '0x10.0.0.1',
      '1e1.0.0.1',
    ],
    ...['010.0.0.1', '1.0.0.1.0'],
  ]
  for (const text of noAddress)
    t.throws(() => ipv4Bytes(text), TypeError, JSON.stringify(text))
  for (const text of [
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:0g',
    '2:0:0:0:0:0',
    '020000000000',
  ]) {
    t.throws(() => macBytes(text), TypeError, text)
  }
})

t.test('numbers of concatenated types', async (t) => {
  // As `nft --debug=mnl` shows them: 7 ipv4_addr, 9 ether_addr, 12 inet_proto, 13 inet_service.
  t.equal(typeId(['ipv4_addr']), 7)
  t.equal(typeId(['inet_proto', 'inet_service']), 12 * 64 + 13)
  t.equal(typeId(['ipv4_addr', 'inet_proto', 'inet_service']), (7 * 64 + 12) * 64 + 13)
  t.equal(
    typeId(['ipv4_addr', 'ipv4_addr', 'inet_proto', 'inet_service', 'inet_service']),
    0x71cc34d,
  )
  t.equal(typeLength(['ether_addr']), 6, 'alone it keeps its length')
  t.equal(typeLength(['inet_proto']), 1)
  t.equal(typeLength(['inet_proto', 'inet_service']), 8)
  t.equal(typeLength(['ipv4_addr', 'ether_addr']), 12)
})

t.test('values as bytes', async (t) => {
  t.equal(hex(encodeValue(['inet_proto', 'inet_service'], [6, 8080])), '060000001f900000')
  t.equal(hex(encodeValue(['inet_service'], [53])), '0035')
  t.equal(
    hex(encodeValue(['ipv4_addr', 'ether_addr'], ['10.0.0.4', '02:00:00:00:00:01'])),
    '0a0000040200000000010000',
  )
  const bad: [DataTypeName[], DataValue[]][] = [
    [['inet_service'], [65536]],
    [['inet_service'], [-1]],
    [['inet_service'], [1.5]],
    [['inet_service'], ['']],
    [['inet_proto'], [256]],
    [['inet_proto'], ['tcp']],
    [['ipv4_addr'], ['::1']],
    [['ipv4_addr'], []],
    [['ipv4_addr'], ['10.0.0.1', 5]],
  ]
  for (const [types, values] of bad) {
    t.throws(() => encodeValue(types, values), TypeError, JSON.stringify(values))
  }
})

const arbitrary = {
  ipv4_addr: () => Array.from({ length: 4 }, () => random(256)).join('.'),
  ether_addr: () =>
    Array.from({ length: 6 }, () => random(256).toString(16).padStart(2, '0')).join(':'),
  inet_proto: () => random(256),
  inet_service: () => random(65536),
}

t.test(`random values come back (SEED=${seed})`, async (t) => {
  t.comment(`SEED=${seed}`)
  const all = Object.keys(arbitrary) as (keyof typeof arbitrary)[]
  for (let i = 0; i < 500; i++) {
    const types = Array.from(
      { length: 1 + random(5) },
      () => all[random(4)] as keyof typeof arbitrary,
    )
    const values = types.map((type) => arbitrary[type]())
    const bytes = encodeValue(types, values)
    if (bytes.length !== typeLength(types)) t.fail(`length of ${types.join()}`)
    const back = decodeValue(types, bytes)
    if (JSON.stringify(back) !== JSON.stringify(values)) t.strictSame(back, values)
  }
  t.pass('500 values')
})

t.test('comments', async (t) => {
  t.equal(hex(commentBytes('ab')), '0003616200')
  t.equal(commentBytes('x'.repeat(MAX_COMMENT)).length, 2 + 128)
  t.throws(() => commentBytes('x'.repeat(MAX_COMMENT + 1)), TypeError)
  t.throws(() => commentBytes('ü'.repeat(64)), TypeError, 'bytes count, not letters')
  const set: SetDef = { family: 'ip', table: 't', name: 's', key: ['inet_service'] }
  const read = (userdata?: Uint8Array) =>
    elementsFromWire(set, [
      {
        elements: [
          { key: { value: Uint8Array.of(0, 80) }, ...(userdata && { userdata }) },
        ],
      },
    ])[0]?.comment
  t.equal(read(commentBytes('ünïcödé')), 'ünïcödé')
  t.equal(read(), undefined)
  t.equal(
    read(Uint8Array.of(5, 2, 9, 9, ...commentBytes('after another'))),
    'after another',
  )
  t.equal(read(Uint8Array.of(5, 2, 9, 9)), undefined)
  t.equal(read(Uint8Array.of(0)), undefined, 'cut short')
  t.equal(read(Uint8Array.of()), undefined)
})

t.test('elements', async (t) => {
  const map: SetDef = {
    family: 'ip',
    table: 't',
    name: 'm',
    key: ['ipv4_addr'],
    data: ['ether_addr'],
  }
  const element = { key: ['10.0.0.1'], data: ['02:00:00:00:00:01'], comment: 'x' }
  const wire = [{ elements: [elementToWire(map, element)] }]
  t.strictSame(elementsFromWire(map, wire).map(plain), [element])
  t.strictSame(elementsFromWire(map, undefined), [])
  t.strictSame(elementsFromWire(map, [{}]), [])
})

t.test('intervals', async (t) => {
  const shown = (first: number | Uint8Array, last: number | Uint8Array) =>
    intervalToWire(first, last).map((e) => {
      const { value } = e['key'] as { value: Uint8Array }
      return `${hex(value)} ${e['flags'] ?? 0}`
    })
  t.strictSame(shown(0x0a000000, 0x0a0000ff), ['0a000000 0', '0a000100 1'])
  t.strictSame(shown(0xe0000000, 0xffffffff), ['e0000000 0'])
  t.strictSame(shown(0xfffffffe, 0xfffffffe), ['fffffffe 0', 'ffffffff 1'])
  t.strictSame(shown(0, 0xffffffff), ['00000000 0'])
  t.strictSame(shown(ipv6Bytes('fd00::'), ipv6Bytes('fd00::ff')), [
    `fd${'0'.repeat(30)} 0`,
    `fd${'0'.repeat(26)}0100 1`,
  ])
  t.strictSame(shown(ipv6Bytes('ff00::'), new Uint8Array(16).fill(255)), [
    `ff${'0'.repeat(30)} 0`,
  ])
  for (const number of [-1, 2 ** 32, 1.5])
    t.throws(() => shown(number, number), RangeError)
})

t.test('hooks and interface names', async (t) => {
  const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
  t.strictSame(
    hooks.map((hook) => hookNumber(hook)),
    [0, 1, 2, 3, 4],
  )
  t.equal(hex(ifname('eth0')), '65746830' + '00'.repeat(12))
  t.equal(ifname('abcdefghijklmno')[15], 0)
  t.throws(() => ifname('abcdefghijklmnop'), TypeError, 'cut, it would mean another link')
})
