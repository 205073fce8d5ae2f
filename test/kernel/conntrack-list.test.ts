/** Conntrack: flows made by the conntrack program, listed with filters and forgotten. */
import t from 'tap'
import {
  NetlinkError,
  NetNs,
  type ConntrackEntry,
  type ConntrackFilter,
} from '../../dist/esm/index.js'
import { inside } from '../helpers/in-namespace.js'

const FLOWS = [
  '-I -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80 --state ESTABLISHED -t 300 -u SEEN_REPLY,ASSURED -m 5',
  '-I -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 53 -t 300 -m 0x15',
  '-I -p udp -s 10.0.0.9 -d 10.0.0.2 --sport 1001 --dport 53 -t 300 -w 7',
  '-I -p udp -s 10.0.0.1 -d 10.0.0.3 --sport 1002 --dport 53 -t 300 -n 10.0.0.200',
  '-I -p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 300',
  '-I -p udp -s fd00::1 -d fd00::2 --sport 1000 --dport 53 -t 300',
]

function withFlows(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  for (const flow of FLOWS) inside(ns, ['conntrack', ...flow.split(' ')])
  return ns
}

function listed(ns: NetNs, filter?: ConntrackFilter): ConntrackEntry[] {
  const plan = ns.plan()
  const entries = plan.conntrack.list(filter)
  return plan.runSync().of(entries)
}

const brief = (entries: ConntrackEntry[]) =>
  entries
    .map(
      ({ original: o }) =>
        `${o.protocol} ${o.source} ${o.destination} ${o.destinationPort ?? ''}`,
    )
    .sort()

t.test('lists flows with all that is known of them', async (t) => {
  const ns = withFlows()
  const all = listed(ns)
  t.equal(all.length, FLOWS.length)
  const find = (protocol: number, source: string, port?: number) =>
    all.find(
      ({ original: o }) =>
        o.protocol === protocol &&
        o.source === source &&
        (!port || o.sourcePort === port),
    )
  t.match(find(6, '10.0.0.1'), {
    family: 'ipv4',
    original: {
      source: '10.0.0.1',
      destination: '10.0.0.2',
      sourcePort: 1000,
      destinationPort: 80,
    },
    reply: {
      source: '10.0.0.2',
      destination: '10.0.0.1',
      sourcePort: 80,
      destinationPort: 1000,
    },
    tcpState: 'established',
    status: ['seenReply', 'assured', 'confirmed'],
    mark: 5,
    zone: 0,
    id: Number,
  })
  t.ok((find(6, '10.0.0.1')?.timeout ?? 0) > 200)
  t.match(find(1, '10.0.0.1'), { original: { icmp: { id: 77, type: 8, code: 0 } } })
  t.match(find(17, 'fd00::1'), { family: 'ipv6', reply: { source: 'fd00::2' } })
  t.match(find(17, '10.0.0.9'), { zone: 7 })
  const nat = find(17, '10.0.0.1', 1002)
  t.equal(nat?.reply.destination, '10.0.0.200')
  t.ok(nat?.status.includes('sourceNat'))
})

t.test('filters', async (t) => {
  const ns = withFlows()
  const ask = (filter: ConntrackFilter) => brief(listed(ns, filter))
  t.same(ask({ family: 'ipv6' }), ['17 fd00::1 fd00::2 53'])
  t.same(ask({ original: { protocol: 6 } }), ['6 10.0.0.1 10.0.0.2 80'])
  t.same(ask({ original: { protocol: 17, destinationPort: 53 } }).length, 4)
  t.same(
    ask({
      family: 'ipv4',
      original: { protocol: 17, destinationPort: 53, destination: '10.0.0.3' },
    }),
    ['17 10.0.0.1 10.0.0.3 53'],
  )
  t.same(ask({ family: 'ipv4', original: { source: '10.0.0.9' } }), [
    '17 10.0.0.9 10.0.0.2 53',
  ])
  t.same(ask({ original: { source: 'FD00:0::1' } }), ['17 fd00::1 fd00::2 53'])
  t.same(ask({ family: 'ipv4', original: { protocol: 17, sourcePort: 1001 } }), [
    '17 10.0.0.9 10.0.0.2 53',
  ])
  t.same(ask({ family: 'ipv4', reply: { destination: '10.0.0.200' } }), [
    '17 10.0.0.1 10.0.0.3 53',
  ])
  t.same(ask({ mark: 5 }), ['6 10.0.0.1 10.0.0.2 80'])
  t.same(ask({ mark: 5, markMask: 0xf }).length, 2)
  t.same(ask({ zone: 7 }), ['17 10.0.0.9 10.0.0.2 53'])
  t.same(ask({ status: ['assured'] }), ['6 10.0.0.1 10.0.0.2 80'])
  t.same(ask({ original: { protocol: 132 } }), [])
})

t.test('forgets one flow, and says when it is another', async (t) => {
  const ns = withFlows()
  for (const entry of listed(ns)) {
    const other = ns.plan()
    other.conntrack.del({ ...entry, id: ((entry.id ?? 0) ^ 1) >>> 0 })
    t.throws(() => other.runSync(), { code: 'ENOENT' })
    const plan = ns.plan()
    plan.conntrack.del(entry)
    plan.runSync()
    t.throws(() => plan.runSync(), NetlinkError)
    const again = ns.plan()
    again.conntrack.delIfExists(entry)
    t.doesNotThrow(() => again.runSync())
  }
  t.same(listed(ns), [])
})

t.test('forgets those that fit', async (t) => {
  const ns = withFlows()
  const flush = (filter?: ConntrackFilter) => {
    const plan = ns.plan()
    const count = plan.conntrack.flush(filter)
    return plan.runSync().of(count)
  }
  const plan = ns.plan()
  const original = { protocol: 17, destinationPort: 53, destination: '10.0.0.3' }
  const count = plan.conntrack.flush({ family: 'ipv4', original })
  t.equal(plan.runSync().of(count), 1)
  t.equal(flush({ mark: 5, markMask: 0xf }), 2)
  t.equal(flush({ zone: 7 }), 1)
  t.equal(flush({ original: { protocol: 132 } }), 0)
  t.equal(listed(ns).length, 2)
  t.equal(flush(), 2)
  t.same(listed(ns), [])
})

t.test('what makes no sense is a TypeError', async (t) => {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  const ask = (filter: object) => () => listed(ns, filter as ConntrackFilter)
  t.throws(ask({ markMask: 1 }), { name: 'TypeError', message: /mark too/ })
  t.throws(ask({ status: ['nice'] }), { name: 'TypeError', message: /status: nice/ })
  t.throws(ask({ original: { source: 'here' } }), {
    name: 'TypeError',
    message: /source/,
  })
  t.throws(ask({ original: { protocol: 300 } }), { name: 'TypeError', message: /255/ })
})
