/** Errors say which address of which link it was, which prefix, which element of which set. */
import t from 'tap'
import { NetNs, Transaction, type Plan, type SetDef } from 'vnet-cni'
import { refusal } from './helper.js'

const ns = NetNs.create()
t.teardown(() => ns.close())
const plan = ns.plan()
plan.link.addVeth({ name: 'one', up: true }, { name: 'two', up: true })
plan.address.add({ link: 'one', address: '10.0.0.5/24' })
await plan.run()
const index = ns.sync.link.read('one').index
const set: SetDef = { family: 'inet', table: 'none', name: 's', key: ['ipv4_addr'] }

const CASES: [string, (p: Plan) => unknown][] = [
  [
    '10.0.0.5/24 on link one',
    (p) => p.address.add({ link: 'one', address: '10.0.0.5/24' }),
  ],
  [
    `fd00::5/64 on link ${index}`,
    (p) => p.address.del({ link: index, address: 'fd00::5/64' }),
  ],
  [
    '10.9.0.0/16 on link one',
    (p) => p.route.add({ to: '10.9.0.0/16', via: '192.0.2.1', link: 'one' }),
  ],
  ['default', (p) => p.route.add({ to: 'default', via: '192.0.2.1' })],
  ['fd01::/64', (p) => p.route.del({ to: 'fd01::/64' })],
  ['8.8.8.8', (p) => p.route.get('8.8.8.8')],
  [
    'priority 5 from 10.0.0.0/8 to 10.1.0.0/16',
    (p) => p.rule.del({ priority: 5, from: '10.0.0.0/8', to: '10.1.0.0/16' }),
  ],
  ['10.0.0.9 on link two', (p) => p.neighbour.del({ link: 'two', address: '10.0.0.9' })],
  [
    '02:00:00:00:00:09 on link two',
    (p) => p.fdb.add({ link: 'two', mac: '02:00:00:00:00:09' }),
  ],
  ['nobody', (p) => p.link.set('nobody', { up: true })],
  [`link one`, (p) => p.link.set('one', { mtu: 5 })],
  ['link 4444', (p) => p.link.set(4444, { mtu: 1400 })],
  ['group 7', (p) => p.link.delGroup(7)],
  ['link two', (p) => p.bridgePort.set('two', { hairpin: true })],
  [
    'link inner',
    (p) => {
      const [, inner] = p.link.addVeth({ name: 'outer' }, { name: 'inner' })
      p.link.set(inner, { mtu: 5 })
    },
  ],
  [
    '10.0.0.1 to 10.0.0.2',
    (p) => {
      const original = {
        ...{ source: '10.0.0.1', destination: '10.0.0.2', protocol: 17 },
        ...{ sourcePort: 1, destinationPort: 2 },
      }
      p.conntrack.del({ family: 'ipv4', original })
    },
  ],
  [
    'element 10.0.0.1 of set inet none s',
    (p) => p.nftables.commit(new Transaction().addElements(set, [{ key: ['10.0.0.1'] }])),
  ],
]

for (const [about, make] of CASES) {
  t.test(about, async (t) => {
    const { message } = refusal(ns, make)
    t.match(message.replace(/ at [\w.]+$/, ''), new RegExp(`[:;] ${about}$`))
  })
}

t.test('what could not be undone says it too', async (t) => {
  const error = refusal(ns, (p) => {
    p.address.add({ link: 'one', address: '10.3.0.1/24' })
    p.link.del('one')
    p.route.add({ to: '10.9.0.0/16', via: '192.0.2.1' })
  })
  t.equal(error.message.includes('10.9.0.0/16'), true)
  for (const failure of error.undoFailures)
    t.match(failure.message, '10.3.0.1/24 on link')
})
