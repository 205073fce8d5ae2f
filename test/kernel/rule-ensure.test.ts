/** ensure adds a rule once, with and without a priority. */
import t from 'tap'
import { NetNs, type RuleSpec } from 'vnet-cni'
import { act, json } from './helper.js'

function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  return ns
}

const SPECS: RuleSpec[] = [
  { table: 100 },
  { from: '10.0.0.0/8', table: 100 },
  { from: '10.0.0.0/8', table: 'main' },
  { from: '10.0.0.0/8', to: '10.1.0.0/16', table: 100, invert: true },
  { from: '10.0.0.0/8', to: '10.1.0.0/16', table: 100 },
  { mark: 5, table: 100 },
  { mark: 5, mask: 0xff, table: 100 },
  { inLink: 'eth0', table: 100, tos: 0x10 },
  { outLink: 'eth0', table: 100 },
  { ipProtocol: 6, sourcePorts: { first: 1, last: 9 }, table: 100 },
  { ipProtocol: 6, destinationPorts: { first: 1, last: 9 }, table: 100 },
  { uids: { first: 0, last: 9 }, table: 100 },
  { table: 'main', suppressPrefixLength: 0 },
  { table: 'main', suppressGroup: 5 },
  { action: 'blackhole', from: '10.2.0.0/16' },
  { action: 'prohibit', from: '10.2.0.0/16' },
  { goto: 32766, from: '10.3.0.0/16' },
]

const six = (spec: RuleSpec): RuleSpec => ({
  ...spec,
  family: 'ipv6',
  ...(spec.from && { from: spec.from.replace(/^10\.(\d)\.0\.0\/\d+/, 'fd0$1:0::/32') }),
  ...(spec.to && { to: 'fd09:0:0::/48' }),
})

for (const [family, specs] of [
  ['-4', SPECS],
  ['-6', SPECS.map(six)],
] as const) {
  t.test(`ip ${family}: again and again, in one plan and in others`, async (t) => {
    const ns = namespace()
    const count = () => json(ns, `ip ${family} rule`).length
    const before = count()
    for (const spec of specs) ns.sync.rule.ensure(spec)
    t.equal(count(), before + specs.length, 'each is another one')
    const rules = json(ns, `ip ${family} rule`)
    act(ns, (p) => [...specs, ...specs].forEach((spec) => p.rule.ensure(spec)))
    for (const spec of specs) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await ns.rule.ensure(spec)
    }
    t.strictSame(json(ns, `ip ${family} rule`), rules)
  })

  t.test(`ip ${family}: with a priority, that counts too`, async (t) => {
    const ns = namespace()
    const [spec] = specs
    for (let i = 0; i < 3; i++) ns.sync.rule.ensure({ ...spec, priority: 50 })
    ns.sync.rule.ensure({ ...spec, priority: 60 })
    ns.sync.rule.ensure({ ...spec })
    const priorities = json(ns, `ip ${family} rule`).map(
      (rule) => rule['priority'] as number,
    )
    t.strictSame(
      priorities.filter((n) => n > 0 && n < 32766),
      [50, 60],
    )
  })
}

t.test('undo takes away what was added, not what was there', async (t) => {
  const ns = namespace()
  ns.sync.rule.ensure({ from: '10.0.0.0/8', table: 100 })
  const before = json(ns, 'ip rule')
  t.throws(() =>
    act(ns, (p) => {
      p.rule.ensure({ from: '10.0.0.0/8', table: 100 })
      p.rule.ensure({ from: '10.9.0.0/16', table: 100 })
      p.link.del(4444)
    }),
  )
  t.strictSame(json(ns, 'ip rule'), before)
})
