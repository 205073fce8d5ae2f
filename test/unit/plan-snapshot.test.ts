import t from 'tap'
import { FakeKernel } from '../../dist/esm/testing/index.js'
import type { WireStep } from '../../dist/esm/binding.js'

/** A plan of a fake kernel. */
function emptyPlan() {
  return new FakeKernel().netns().plan()
}

t.test('what is changed after raw() is not in the plan', async (t) => {
  const plan = emptyPlan()
  const bytes = new Uint8Array([1, 2])
  const info = { kind: 'bridge', list: [1, { deep: bytes }] }
  plan.raw('link.new', { name: 'a', info })
  info.kind = 'other'
  info.list.push(3)
  bytes[0] = 9
  t.strictSame(plan.steps[0]?.args, {
    name: 'a',
    info: { kind: 'bridge', list: [1, { deep: new Uint8Array([1, 2]) }] },
  })
})

t.test('a getter runs once, and what it adds comes before', async (t) => {
  const plan = emptyPlan()
  let runs = 0
  const ref = plan.raw('link.get', {
    get name() {
      runs++
      plan.raw('link.get', { name: 'inner' })
      return 'outer'
    },
  })
  const names = (steps: readonly WireStep[]) => steps.map(({ args }) => args['name'])
  t.strictSame(names(plan.steps), ['inner', 'outer'])
  t.strictSame(names(plan.steps), ['inner', 'outer'])
  t.equal(ref.step, 1)
  t.equal(runs, 1)
})

t.test('an array that grows while it is copied ends where it ended', async (t) => {
  const plan = emptyPlan()
  const list: number[] = [0, 1]
  Object.defineProperty(list, 0, { enumerable: true, get: () => list.push(5) })
  plan.raw('x.y', { list })
  t.strictSame(plan.steps[0]?.args, { list: [3, 1] }, 'two, as it was')
})

t.test('what the caller throws comes back, and no step is added', async (t) => {
  const plan = emptyPlan()
  const mine = new RangeError('mine')
  const args = {
    get name(): string {
      throw mine
    },
  }
  t.throws(() => plan.raw('link.get', args), mine)
  t.equal(plan.steps.length, 0)
})

t.test('what is no plain data is kept for the addon to refuse', async (t) => {
  const plan = emptyPlan()
  const date = new Date()
  const shared = new Uint8Array(new SharedArrayBuffer(2))
  const symbols = { [Symbol('s')]: 1 }
  const words = new Uint32Array(1)
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  plan.raw('x.y', { date, shared, symbols, words, cycle } as never)
  const args = plan.steps[0]?.args as Record<string, unknown>
  for (const [name, given] of Object.entries({ date, shared, symbols, words })) {
    t.equal(args[name], given, name)
  }
  t.equal((args['cycle'] as typeof cycle)['self'], cycle)
})

t.test('names that mean something to objects are names', async (t) => {
  const plan = emptyPlan()
  plan.raw('x.y', JSON.parse('{ "__proto__": { "polluted": 1 } }'))
  const args = plan.steps[0]?.args as Record<string, unknown>
  t.strictSame(Object.keys(args), ['__proto__'])
  t.equal(args['polluted'], undefined)
})

t.test('an object that occurs many times is copied once', async (t) => {
  const plan = emptyPlan()
  let nested: { readonly [key: string]: unknown } = { leaf: 1 }
  for (let depth = 0; depth < 64; depth++) nested = { a: nested, b: nested }
  plan.raw('x.y', nested as never)
  const args = plan.steps[0]?.args as Record<string, unknown>
  const { a, b } = args
  t.equal(a, b)
  t.not(a, nested['a'])
})
