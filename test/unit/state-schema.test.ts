import t from 'tap'
import {
  flag,
  list,
  number,
  object,
  oneOf,
  optional,
  record,
  text,
  type Shape,
} from '../../dist/esm/state/schema.js'

/** What a shape says about a value: nothing, or the message of its TypeError. */
function said(shape: Shape<unknown>, value: unknown, path = 'x'): string | undefined {
  try {
    shape(value, path)
    return undefined
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return error.message
  }
}

/** One of each kind of JSON value. */
const JSON_VALUES = {
  null: null,
  false: false,
  true: true,
  number: 7,
  text: 'a',
  list: [],
  object: {},
}

t.test('each shape takes its kind of value, and no other', async (t) => {
  const shapes: [string, Shape<unknown>, (keyof typeof JSON_VALUES)[], string][] = [
    ['text', text, ['text'], 'a text'],
    ['number', number, ['number'], 'a number'],
    ['flag', flag, ['false', 'true'], 'true or false'],
    ['oneOf', oneOf('a', 'b'), ['text'], 'one of a, b'],
    ['list', list(text), ['list'], 'a list'],
    ['record', record(text), ['object'], 'an object'],
    ['object', object({}), ['object'], 'an object'],
  ]
  for (const [name, shape, taken, wanted] of shapes) {
    for (const [kind, value] of Object.entries(JSON_VALUES)) {
      const fits = taken.some((one) => one === kind)
      const shown = { list: 'a list', object: 'an object' }[kind] ?? JSON.stringify(value)
      const message = `x is ${shown}, not ${wanted}`
      t.equal(said(shape, value), fits ? undefined : message, `${name}: ${kind}`)
      const absent = optional(shape)
      t.equal(said(absent, value), said(shape, value), `optional ${name}: ${kind}`)
    }
    t.equal(said(shape, undefined), `x is missing, not ${wanted}`, name)
    t.equal(said(optional(shape), undefined), undefined, `optional ${name}`)
  }
})

t.test('what JSON has no numbers for is no number', async (t) => {
  for (const value of [Infinity, -Infinity, NaN]) {
    t.equal(said(number, value), 'x is null, not a number')
  }
  t.equal(said(number, '7'), 'x is "7", not a number')
})

t.test('one of some strings', async (t) => {
  const shape = oneOf('adding', 'ready')
  t.equal(said(shape, 'ready'), undefined)
  t.equal(said(shape, 'Ready'), 'x is "Ready", not one of adding, ready')
  t.equal(said(shape, ''), 'x is "", not one of adding, ready')
})

const leases = object({
  leases: list(object({ owner: object({ network: text }), since: optional(number) })),
  freed: record(number),
})

t.test('the message names the place', async (t) => {
  const good = { leases: [{ owner: { network: 'a' } }], freed: { '10.0.0.4': 5 } }
  t.equal(leases(good, ''), good, 'the value itself, not a copy')
  const cases: [unknown, string][] = [
    [{ ...good, leases: undefined }, 'leases is missing, not a list'],
    [{ ...good, leases: {} }, 'leases is an object, not a list'],
    [
      { ...good, leases: [good.leases[0], { owner: { network: 7 } }] },
      'leases[1].owner.network is 7, not a text',
    ],
    [{ ...good, leases: [{ owner: null }] }, 'leases[0].owner is null, not an object'],
    [{ ...good, leases: [[]] }, 'leases[0] is a list, not an object'],
    [
      { ...good, leases: [{ ...good.leases[0], since: null }] },
      'leases[0].since is null, not a number',
    ],
    [{ ...good, freed: { a: 1, b: '2' } }, 'freed.b is "2", not a number'],
    [null, 'the data is null, not an object'],
    [undefined, 'the data is missing, not an object'],
  ]
  for (const [value, message] of cases) t.equal(said(leases, value, ''), message)
  t.equal(said(leases, 3, 'data'), 'data is 3, not an object')
  t.equal(said(leases, {}, 'data'), 'data.leases is missing, not a list')
})

t.test('a long value is shown in part', async (t) => {
  const message = said(number, 'y'.repeat(10_000)) ?? ''
  t.ok(message.length < 100, message)
})

t.test('members that are not asked for are let be', async (t) => {
  const value = { name: 'a', later: { version: 2 } }
  t.equal(object({ name: text })(value, ''), value)
})

t.test('names of every object are no members', async (t) => {
  const shape = object({ constructor: text, toString: text })
  t.equal(said(shape, {}, ''), 'constructor is missing, not a text')
  t.equal(said(object({ valueOf: optional(text) }), {}), undefined)
})

t.test('a member named __proto__ gives nothing to the object it is in', async (t) => {
  const hostile = JSON.parse('{"__proto__": {"network": "a"}}')
  t.equal(said(object({ network: text }), hostile, ''), 'network is missing, not a text')
  const entry = JSON.parse('{"__proto__": 7}')
  t.equal(
    said(record(text), entry, 'bridges'),
    'bridges.__proto__ is 7, not a text',
    'as the key of an entry it is one like others',
  )
  t.equal(({} as Record<string, unknown>)['network'], undefined)
})

t.test('nesting without end is told like any other wrong value', async (t) => {
  const depth = 200_000
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const inner = open === '[' ? '' : '1'
    const value = JSON.parse(open.repeat(depth) + inner + close.repeat(depth))
    const kind = open === '[' ? 'a list' : 'an object'
    t.equal(said(text, value), `x is ${kind}, not a text`)
    t.equal(
      said(list(object({ a: text })), [{ a: value }]),
      `x[0].a is ${kind}, not a text`,
    )
    t.equal(said(object({}), { other: value }), undefined, 'not looked at, not followed')
  }
})
