/**
 * Alternative names of links (ip-link(8), `property add altname`).
 */
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { act, json, refusal } from './helper.js'

const LONG = 'enp0s31f6-the-first-port-of-the-second-card'

function names(ns: NetNs, link: string): string[] {
  return json(ns, `ip link show dev ${link}`)[0]?.['altnames'] ?? []
}

t.test('added, found by, and taken away', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => {
    const link = p.link.add({ kind: 'bridge', name: 'br0' })
    p.link.addAltName(link, LONG)
    p.link.addAltName(link, 'short')
  })
  t.strictSame(names(ns, 'br0'), [LONG, 'short'])
  for (const name of [LONG, 'short', 'br0']) {
    const link = ns.sync.link.read(name)
    t.match(link, { name: 'br0', altNames: [LONG, 'short'] }, name)
    t.equal(ns.sync.link.get(name), link?.index)
  }
  // Verbs of all groups find the link by them.
  await ns.link.set(LONG, { mtu: 1400 })
  await ns.address.add({ link: LONG, address: '10.0.0.1/24' })
  t.equal(ns.sync.link.read('br0')?.mtu, 1400)
  t.match(ns.sync.address.dump({ link: 'short' }), [{ address: '10.0.0.1/24' }])
  await ns.link.delAltName('br0', 'short')
  await ns.link.delAltNameIfExists('br0', 'short')
  await ns.link.delAltNameIfExists('none', 'short')
  t.strictSame(names(ns, 'br0'), [LONG])
  await ns.link.del(LONG)
  await ns.link.delIfExists(LONG)
  t.equal(json(ns, 'ip link').length, 1)
  t.equal('altNames' in (ns.sync.link.read('lo') ?? {}), false)
})

t.test('refusals', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => {
    p.link.addAltName(p.link.add({ kind: 'bridge', name: 'br0' }), LONG)
    p.link.add({ kind: 'bridge', name: 'br1' })
  })
  const cases: [string, () => unknown][] = [
    ['EEXIST', () => refusal(ns, (p) => p.link.addAltName('br1', LONG))],
    ['EEXIST', () => refusal(ns, (p) => p.link.addAltName('br1', 'br0'))],
    [
      'EEXIST',
      () => refusal(ns, (p) => p.link.add({ kind: 'bridge', name: LONG.slice(0, 4) })),
    ],
    ['ENOENT', () => refusal(ns, (p) => p.link.delAltName('br1', 'none'))],
    ['EINVAL', () => refusal(ns, (p) => p.link.delAltName('br1', LONG))],
    ['ENODEV', () => refusal(ns, (p) => p.link.addAltName('none', 'x'))],
    ['ENODEV', () => refusal(ns, (p) => p.link.get('x'.repeat(127)))],
  ]
  act(ns, (p) => p.link.addAltName('br0', LONG.slice(0, 4)))
  for (const [code, call] of cases) t.match(call(), { code }, String(call))
  const long = refusal(ns, (p) => p.link.get(`${LONG}-2`))
  t.ok(long.message.includes(`${LONG}-2`), long.message)
  for (const bad of ['', 'a b', 'a/b', 'a:b', 'a%d', '..', 'x'.repeat(128), 'a\0b']) {
    t.throws(() => ns.sync.link.addAltName('br0', bad), { message: /^altName: / })
    t.throws(() => ns.sync.link.read(bad), { message: /^name: / })
  }
  t.strictSame(names(ns, 'br1'), [])
})

t.test('undone with the plan', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => p.link.addAltName(p.link.add({ kind: 'bridge', name: 'br0' }), 'kept'))
  refusal(ns, (p) => {
    p.link.addAltName('br0', LONG)
    p.link.delAltName('br0', 'kept')
    p.link.get('none')
  })
  t.strictSame(names(ns, 'br0'), ['kept'])
})

t.test('told by a monitor', async (t) => {
  using ns = NetNs.create()
  // Of a link that is down the kernel does not tell it (netdev_state_change, net/core/dev.c).
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'br0', up: true }))
  using events = ns.monitor(['link'])
  await ns.link.addAltName('br0', LONG)
  // Something that is told in any case closes what there is to read.
  await ns.link.set('br0', { alias: 'end' })
  const seen: unknown[] = []
  for await (const event of events) {
    seen.push(event)
    if (event.kind === 'link' && event.link.alias === 'end') break
  }
  t.match(seen[0], { kind: 'link', change: 'new', link: { altNames: [LONG] } })
})
