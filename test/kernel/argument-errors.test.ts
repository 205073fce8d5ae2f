/** What the addon refuses before it asks the kernel has the code that our own checks give. */
import t from 'tap'
import { NetNs, Transaction, type Expr } from 'vnet-cni'

const ns = NetNs.create()
t.teardown(() => ns.close())
const CODE = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }

const rule = (expressions: Expr[]) =>
  new Transaction().addRule({ family: 'ip', table: 't', chain: 'c', expressions })

t.test('a malformed step', async (t) => {
  for (const [op, args] of [
    ['no.such', {}],
    ['link.get', { nonsense: 1 }],
    ['route.new', { to: 'x' }],
  ] as const) {
    const plan = ns.plan()
    plan.raw(op, args)
    t.throws(() => plan.runSync(), CODE, op)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await t.rejects(plan.run(), CODE, op)
  }
})

t.test('an expression with a member that it does not have', async (t) => {
  const wrong: [Expr, RegExp][] = [
    [{ expr: 'counter', data: { mistake: 1 } }, /expressions\.0\..*mistake/],
    [{ expr: 'nonsense' }, /expr nonsense is not known/],
  ]
  for (const [expression, message] of wrong) {
    t.throws(() => ns.sync.nftables.commit(rule([expression])), { ...CODE, message })
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await t.rejects(ns.nftables.commit(rule([expression])), { ...CODE, message })
  }
})
