/** What a process is told that may enter a namespace but not change it: EPERM, by every group. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { runSync } from '../helpers/process.js'
import { act, inside, pathOf, picture } from './helper.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Each verb in a process of its own rights; the errors by name. */
const SCRIPT = `
  import { NetNs, Transaction } from 'vnet-cni'
  const ns = NetNs.current()
  const mac = '02:00:00:00:00:09'
  const original = {
    source: '192.0.2.1', destination: '192.0.2.2', protocol: 6, sourcePort: 1, destinationPort: 2,
  }
  const verbs = {
    'link.add': (p) => p.link.add({ kind: 'bridge', name: 'br1' }),
    'link.set': (p) => p.link.set('br0', { up: true }),
    'link.del': (p) => p.link.del('br0'),
    'link.tun': (p) => p.link.add({ kind: 'tun', type: 'tun', name: 'tun0' }),
    'address.add': (p) => p.address.add({ link: 'br0', address: '10.0.0.1/24' }),
    'route.add': (p) => p.route.add({ to: '10.9.0.0/24', type: 'blackhole' }),
    'rule.add': (p) => p.rule.add({ from: '10.0.0.0/8', table: 100 }),
    'neighbour.add': (p) => p.neighbour.add({ link: 'br0', address: '10.0.0.9', mac }),
    'fdb.add': (p) => p.fdb.add({ link: 'v0', mac }),
    'bridgePort.set': (p) => p.bridgePort.set('v0', { hairpin: true }),
    'nsid.set': (p) => p.nsid.set(ns, 5),
    'nftables.commit': (p) => p.nftables.commit(new Transaction().addTable({ family: 'ip', name: 't' })),
    'conntrack.del': (p) => p.conntrack.del({ family: 'ipv4', original }),
  }
  const out = {}
  for (const [name, verb] of Object.entries(verbs)) {
    const plan = ns.plan()
    verb(plan)
    try { plan.runSync(); out[name] = 'done' } catch (e) { out[name] = e.name + ' ' + e.code }
  }
  console.log(JSON.stringify(out))`

t.test('without CAP_NET_ADMIN', async (t) => {
  using ns = NetNs.create()
  act(ns, (p) => {
    const master = p.link.add({ kind: 'bridge', name: 'br0' })
    p.link.addVeth({ name: 'v0', master }, { name: 'v1' })
  })
  const before = picture(ns)
  const drop = ['setpriv', '--inh-caps=-net_admin', '--bounding-set=-net_admin']
  const node = [process.execPath, '--input-type=module', '-e', SCRIPT]
  const done = runSync('nsenter', [`--net=${pathOf(ns)}`, ...drop, ...node], {
    cwd: ROOT,
    env: { NODE_OPTIONS: undefined },
  })
  t.equal(done.code, 0, done.stderr)
  const answers = JSON.parse(done.stdout) as Record<string, string>
  t.equal(Object.keys(answers).length, 13)
  for (const [verb, answer] of Object.entries(answers)) {
    // Of a tun link it is /dev/net/tun that refuses.
    t.equal(answer, `${verb === 'link.tun' ? 'Syscall' : 'Netlink'}Error EPERM`, verb)
  }
  t.strictSame(picture(ns), before, 'nothing was changed')
  t.notMatch(inside(ns, 'ip', ['rule']), /10\.0\.0\.0/)
})
