import t from 'tap'
import { hookName, hookNumber, priorityNumber } from '../../lib/nft/families.js'
import { queue, reject } from '../../lib/nft/expr/statements.js'
import { setToWire } from '../../lib/nft/set.js'
import type { SetDef } from '../../lib/nft/set-def.js'
import { Transaction } from '../../lib/nft/transaction.js'
import {
  decodeValue,
  encodeValue,
  typeId,
  typeNames,
  type DataTypeName,
  type DataValue,
} from '../../lib/nft/types.js'
import { verdictFromWire, verdictToWire, type Verdict } from '../../lib/nft/verdict.js'

const VALUES: [DataTypeName, DataValue, string | undefined][] = [
  ['ipv4_addr', '10.0.0.255', '0a0000ff'],
  ['ipv6_addr', 'fd00::1', 'fd000000000000000000000000000001'],
  ['ipv6_addr', '::', '00000000000000000000000000000000'],
  ['ipv6_addr', '::1', '00000000000000000000000000000001'],
  ['ipv6_addr', '2001:db8::', '20010db8000000000000000000000000'],
  ['ipv6_addr', '1:0:2:3:4:5:6:7', '00010000000200030004000500060007'],
  ['ether_addr', '02:00:5e:10:00:ff', '02005e1000ff'],
  ['ether_type', 0x0806, '0806'],
  ['inet_proto', 17, '11'],
  ['inet_service', 8080, '1f90'],
  ['mark', 0xdeadbeef, undefined],
  ['ct_state', 8, undefined],
  ['ifname', 'azv0123456789ab', '617a763031323334353637383961620000'.slice(0, 32)],
]

t.test('values to bytes and back', async (t) => {
  for (const [type, value, hex] of VALUES) {
    const bytes = encodeValue([type], [value])
    if (hex) t.equal(Buffer.from(bytes).toString('hex'), hex, `${type} ${value}`)
    t.same(decodeValue([type], bytes), [value])
  }
  t.equal(
    Buffer.from(encodeValue(['ipv6_addr'], ['::ffff:10.0.0.1'])).toString('hex'),
    '00000000000000000000ffff0a000001',
  )
  const key: DataTypeName[] = ['inet_proto', 'ipv4_addr', 'ether_addr', 'mark']
  const values = [6, '10.1.2.3', '02:00:00:00:00:01', 7]
  t.same(decodeValue(key, encodeValue(key, values)), values)
  t.same(typeNames(typeId(key)), key)
  t.equal(typeNames(63), undefined)
})

t.test('what does not fit a type is a TypeError', async (t) => {
  const wrong: [DataTypeName, DataValue][] = [
    ['ipv4_addr', '10.0.0'],
    ['ipv4_addr', '10.0.0.256'],
    ['ipv4_addr', '10.0.0.01'],
    ['ipv4_addr', '10.0..1'],
    ['ipv4_addr', '10.0.0.1.'],
    ['ipv4_addr', ''],
    ['ipv6_addr', '10.0.0.1'],
    ['ipv6_addr', 'fe80::1%eth0'],
    ['ether_addr', '02:00:00:00:00'],
    ['inet_service', 65536],
    ['inet_service', -1],
    ['inet_service', 1.5],
    ['ifname', 'a-name-of-16-byt'],
    ['ifname', ''],
    ['nonsense' as DataTypeName, 1],
  ]
  for (const [type, value] of wrong) {
    t.throws(
      () => encodeValue([type], [value]),
      { name: 'TypeError' },
      `${type} ${value}`,
    )
  }
  t.throws(() => encodeValue(['mark'], []), { message: /expected 1 value/ })
})

t.test('hooks and priorities by family', async (t) => {
  t.equal(hookNumber('postrouting'), 4)
  t.equal(hookNumber('ingress', 'inet'), 5)
  t.equal(hookNumber('egress', 'netdev'), 1)
  t.equal(hookNumber('output', 'arp'), 1)
  t.throws(() => hookNumber('prerouting', 'arp'), {
    message: /arp family has no prerouting/,
  })
  t.equal(hookName(1, 'arp'), 'output')
  t.equal(hookName(9, 'ip'), undefined)
  t.equal(priorityNumber('dstnat', 'ip'), -100)
  t.equal(priorityNumber('dstnat', 'bridge'), -300)
  t.equal(priorityNumber('filter', 'bridge'), -200)
  t.equal(priorityNumber('srcnat + 5', 'inet'), 105)
  t.equal(priorityNumber('filter - 5', 'netdev'), -5)
  t.equal(priorityNumber(42, 'ip'), 42)
  t.throws(() => priorityNumber('out', 'ip'), {
    message: /"out" is none of the ip family/,
  })
})

t.test('verdicts', async (t) => {
  const all: Verdict[] = [
    'accept',
    'drop',
    'return',
    'continue',
    { jump: 'a' },
    { goto: 'b' },
  ]
  for (const verdict of all) t.same(verdictFromWire(verdictToWire(verdict)), verdict)
  t.equal(verdictFromWire({ code: 77 }), undefined)
  t.throws(() => verdictToWire('nice' as Verdict), { message: /nice is none of drop/ })
})

t.test('expressions that this kernel may lack', async (t) => {
  t.same(queue(3, { total: 2, fanout: true }), {
    expr: 'queue',
    data: { number: 3, total: 2, flags: 2 },
  })
  t.same(reject({ tcpReset: true }), {
    expr: 'reject',
    data: { type: 1, code: 0 },
    needs: 'tcp',
  })
})

const where = { family: 'ip', table: 't' } as const

t.test('few elements are legible in a plan, many are packed', async (t) => {
  const set: SetDef = { ...where, name: 's', key: ['ipv4_addr'] }
  const element = (i: number) => ({ key: [`10.0.0.${i}`] })
  const few = new Transaction().addElements(set, [element(1)])
  t.same(few.messages[0]?.args['elements'], [
    { key: { value: Uint8Array.of(10, 0, 0, 1) } },
  ])
  const many = new Transaction().addElements(
    set,
    Array.from({ length: 200 }, (_, i) => element(i)),
  )
  t.match(many.messages[0]?.args['packed'], { count: 200, keyLength: 4 })
})

t.test('bad sets and ranges', async (t) => {
  const set: SetDef = { ...where, name: 's', key: ['ipv4_addr'] }
  const both: SetDef = { ...set, data: ['mark'], verdicts: true }
  t.throws(() => setToWire(both, 1), { message: /one of data, verdicts and objects/ })
  const add = (def: SetDef, key: DataValue[], keyEnd?: DataValue[]) => () =>
    new Transaction().addElements(def, [{ key, ...(keyEnd && { keyEnd }) }])
  const ranges = { ...set, interval: true }
  t.throws(add(set, ['10.0.0.1'], ['10.0.0.2']), { message: /holds no ranges/ })
  t.throws(add(ranges, ['10.0.0.2'], ['10.0.0.1']), {
    message: /10\.0\.0\.1 is below 10\.0\.0\.2/,
  })
  t.throws(add(ranges, ['10.0.0.0/33']), { message: /no prefix/ })
  t.throws(add(ranges, ['10.0.0.1/8']), { message: /bits set beyond/ })
  t.throws(add(ranges, ['10.0.0.1', 5]), { message: /expected 1 value/ })
})

t.test('destroys become deletes of what there is', async (t) => {
  const tx = new Transaction()
    .destroyTable({ family: 'ip', name: 'a' })
    .addTable({ family: 'ip', name: 'b' })
    .destroyTable({ family: 'ip', name: 'c' })
  const plain = tx.withoutDestroy((i) => i === 0, 5)
  t.same(
    plain.messages.map(({ op, args }) => [op, args['name']]),
    [
      ['nft.table.del', 'a'],
      ['nft.table.new', 'b'],
    ],
  )
  t.equal(plain.generation, 5)
  t.equal(plain.describe({ message: 1, attribute: '' }), 'table ip b')
  t.equal(plain.describe({ message: 9, attribute: '' }), '')
})
