/**
 * The fake kernel against the real one: the same plans, in the same order, must end the same way.
 */
import t from 'tap'
import {
  NetlinkError,
  NetNs,
  SyscallError,
  Transaction,
  type Plan,
  type SetDef,
  type StepRef,
} from '../../dist/esm/index.js'
import { FakeKernel } from '../../dist/esm/testing/index.js'

/** One plan of a scenario: adds its steps and names what it reads. */
type Act = (plan: Plan, other: NetNs) => { [name: string]: StepRef<unknown> } | void

interface Scenario {
  readonly name: string
  readonly acts: readonly (Act | { readonly onFailure: 'continue' | 'stop'; act: Act })[]
}

const table = { family: 'inet', name: 'contract' } as const
const map: SetDef = {
  ...table,
  table: 'contract',
  name: 'ports',
  key: ['inet_proto', 'inet_service'],
  data: ['ipv4_addr', 'inet_service'],
}
const element = (port: number, to = '10.0.0.5') => ({
  key: [6, port],
  data: [to, 80],
  comment: `port ${port}`,
})

const base: Act = (plan) => {
  const bridge = plan.link.add({ kind: 'bridge', name: 'br0', up: true })
  plan.address.add({ link: bridge, address: '10.1.0.1/24' })
  plan.address.add({ link: bridge, address: 'fd00:1::1/64', flags: 2 })
}
const everything: Act = (plan) => ({
  links: plan.link.dump(),
  addresses: plan.address.dump(),
  routes4: plan.route.dump({ family: 'ipv4' }),
})

const scenarios: Scenario[] = [
  {
    name: 'links: made, found, changed, deleted',
    acts: [
      base,
      everything,
      (plan) => ({
        read: plan.link.read('br0'),
        none: plan.link.read('nope', { optional: true }),
      }),
      (plan) => void plan.link.add({ kind: 'bridge', name: 'br0' }),
      (plan) => void plan.link.ensure({ kind: 'bridge', name: 'br0' }),
      (plan) => void plan.link.read('nope'),
      (plan) => plan.link.set(plan.link.get('br0'), { mtu: 1400, alias: 'a bridge' }),
      (plan) => plan.link.set(plan.link.get('br0'), { mtu: 10 }),
      (plan) => plan.link.set(plan.link.get('lo'), { name: 'br0' }),
      (plan) => plan.link.set(999, { up: true }),
      (plan) => plan.bridgePort.set(plan.link.get('br0'), { hairpin: true }),
      (plan) => plan.link.del(1),
      (plan) => plan.link.del(999),
      (plan) => plan.link.delIfExists('nope'),
      everything,
      (plan) => plan.link.delIfExists('br0'),
      everything,
    ],
  },
  {
    name: 'alternative names, and a tap link',
    acts: [
      base,
      (plan) => plan.link.addAltName('br0', 'a-name-longer-than-ifnamsiz'),
      (plan) => plan.link.addAltName('lo', 'a-name-longer-than-ifnamsiz'),
      (plan) => plan.link.addAltName('lo', 'br0'),
      (plan) => plan.link.addAltName('br0', 'other'),
      (plan) => ({ read: plan.link.read('a-name-longer-than-ifnamsiz') }),
      (plan) => void plan.link.add({ kind: 'bridge', name: 'other' }),
      (plan) => plan.link.delAltName('lo', 'other'),
      (plan) => plan.link.delAltName('br0', 'none'),
      (plan) => plan.link.delAltName('br0', 'other'),
      (plan) => plan.link.delAltNameIfExists('br0', 'other'),
      (plan) => void plan.link.add({ kind: 'tun', type: 'tap', name: 'tap0', mtu: 1400 }),
      (plan) => void plan.link.add({ kind: 'tun', type: 'tap', name: 'br0' }),
      (plan) => void plan.link.ensure({ kind: 'tun', type: 'tap', name: 'tap0' }),
      everything,
      (plan) => plan.link.del('tap0'),
      (plan) => plan.link.del('a-name-longer-than-ifnamsiz'),
      everything,
    ],
  },
  {
    name: 'veth pairs within and across namespaces',
    acts: [
      base,
      (plan, other) => {
        const ends = plan.link.addVeth(
          {
            name: 'a0',
            master: plan.link.get('br0'),
            mac: '02:00:5e:10:00:01',
            up: true,
          },
          { name: 'eth0', netns: other, mac: '02:00:5e:10:00:02', mtu: 1400 },
        )
        plan.in(other).link.set(ends[1], { up: true })
        plan.in(other).address.add({ link: ends[1], address: '10.1.0.2/24' })
        plan.in(other).route.add({ to: 'default', via: '10.1.0.1', link: ends[1] })
        plan.bridgePort.set(ends[0], { hairpin: true })
        return { there: plan.in(other).link.read('eth0') }
      },
      (plan, other) => ({
        ...everything(plan, other),
        route: plan.in(other).route.get('192.0.2.1'),
        near: plan.in(other).route.get('10.1.0.9'),
      }),
      (plan, other) =>
        void plan.link.addVeth({ name: 'a1' }, { name: 'eth0', netns: other }),
      (plan) => void plan.link.addVeth({ name: 'a0' }, { name: 'x0' }),
      (plan) => void plan.link.addVeth({ name: 'same' }, { name: 'same' }),
      (plan) => void plan.link.addVeth({ name: 'm0', master: 999 }, { name: 'm1' }),
      (plan) =>
        void plan.link.addVeth(
          { name: 'm0', master: plan.link.get('a0') },
          { name: 'm1' },
        ),
      (plan) => plan.link.set(plan.link.get('a0'), { master: 0 }),
      (plan) => plan.link.delIfExists('a0'),
      (plan, other) => ({ gone: plan.in(other).link.read('eth0', { optional: true }) }),
    ],
  },
  {
    name: 'addresses',
    acts: [
      base,
      (plan) => plan.address.add({ link: plan.link.get('br0'), address: '10.1.0.1/24' }),
      (plan) =>
        plan.address.ensure({ link: plan.link.get('br0'), address: '10.1.0.1/24' }),
      (plan) => plan.address.add({ link: 999, address: '10.1.0.1/24' }),
      (plan) => plan.address.del({ link: plan.link.get('br0'), address: '10.1.0.7/24' }),
      (plan) => plan.address.del({ link: plan.link.get('br0'), address: 'fd00::9/64' }),
      (plan) => plan.address.delIfExists({ link: 999, address: '10.1.0.7/24' }),
      (plan) => plan.address.del({ link: plan.link.get('br0'), address: '10.1.0.1/24' }),
      everything,
      // Which of a link's IPv6 addresses is the newest decides about source addresses.
      (plan) => {
        const br1 = plan.link.add({ kind: 'bridge', name: 'br1', up: true })
        const br0 = plan.link.get('br0')
        const add = (link: typeof br0, address: string) =>
          plan.address.add({ link, address, ...(address.includes(':') && { flags: 2 }) })
        for (const address of ['fd00:1::2/64', '10.1.0.2/24', '10.1.0.1/24']) {
          add(br1, address)
        }
        for (const address of [
          'fe80::2/64',
          'fd00:1::3/64',
          '10.8.0.1/24',
          'fd00:1::4/64',
        ]) {
          add(br0, address)
        }
      },
      (plan) => ({ inOrder: plan.address.dump() }),
      (plan) => ({ inOrder: plan.address.dump({ family: 'ipv6' }) }),
      (plan) => plan.link.del('br1'),
      // As long as another link has the address, routes that prefer it stay.
      (plan) => {
        for (const name of ['br0', 'br1']) {
          const link = plan.link.ensure({ kind: 'bridge', name, up: true })
          plan.address.add({ link, address: '10.1.0.1/24' })
        }
        const link = plan.link.get('br1')
        plan.route.add({ to: '10.7.0.0/24', via: '10.1.0.9', link, source: '10.1.0.1' })
        plan.address.del({ link: plan.link.get('br0'), address: '10.1.0.1/24' })
      },
      everything,
      (plan) => plan.address.del({ link: plan.link.get('br1'), address: '10.1.0.1/24' }),
      everything,
    ],
  },
  {
    name: 'routes',
    acts: [
      base,
      (plan) => plan.route.add({ to: '10.2.0.0/24', via: '10.1.0.2' }),
      (plan) => plan.route.add({ to: '10.2.0.0/24', via: '10.1.0.2' }),
      (plan) => plan.route.replace({ to: '10.2.0.0/24', via: '10.1.0.3' }),
      (plan) => plan.route.add({ to: '10.2.0.0/24', via: '10.1.0.2', priority: 7 }),
      (plan) => plan.route.add({ to: '10.3.0.0/24', via: '172.16.0.1' }),
      (plan) => plan.route.add({ to: '10.3.0.1/24', via: '10.1.0.2' }),
      (plan) => plan.route.add({ to: '10.3.0.0/24', link: 999 }),
      (plan) => plan.route.add({ to: '10.3.0.0/24' }),
      (plan) => plan.route.add({ to: '10.3.0.0/24', via: '10.1.0.1' }),
      (plan) =>
        plan.route.add({ to: '10.3.0.0/24', via: '10.1.0.2', source: '10.9.9.9' }),
      (plan) => plan.route.add({ to: '10.4.0.0/24', type: 'blackhole' }),
      (plan) =>
        plan.route.add({
          to: '10.5.0.0/24',
          hops: [
            { link: plan.link.get('br0'), via: '10.1.0.8', weight: 2 },
            { link: plan.link.get('br0'), via: '10.1.0.9' },
          ],
        }),
      (plan) => ({ way: plan.route.get('10.2.0.9'), own: plan.route.get('10.1.0.1') }),
      (plan) => ({ none: plan.route.get('192.0.2.1') }),
      (plan) => ({ none: plan.route.get('10.4.0.1') }),
      everything,
      (plan) => plan.route.del({ to: '10.9.0.0/24' }),
      (plan) => plan.route.delIfExists({ to: '10.9.0.0/24' }),
      (plan) => plan.route.del({ to: '10.2.0.0/24' }),
      (plan) => plan.link.set(plan.link.get('br0'), { up: false }),
      (plan) => plan.route.add({ to: '10.6.0.0/24', link: plan.link.get('br0') }),
      everything,
    ],
  },
  {
    name: 'neighbours and sysctls',
    acts: [
      base,
      (plan) =>
        plan.neighbour.replace({
          link: plan.link.get('br0'),
          address: '10.1.0.9',
          mac: '02:00:5e:10:00:09',
        }),
      (plan) =>
        plan.neighbour.replace({
          link: 999,
          address: '10.1.0.9',
          mac: '02:00:5e:10:00:09',
        }),
      (plan) => plan.neighbour.delIfExists({ link: 999, address: '10.1.0.9' }),
      (plan) =>
        plan.neighbour.delIfExists({
          link: plan.link.get('br0'),
          address: '10.1.0.10',
        }),
      (plan) => {
        plan.sysctl.set('net/ipv4/ip_forward', '1')
        return { on: plan.sysctl.get('net/ipv4/ip_forward') }
      },
      (plan) => ({ conf: plan.sysctl.get('net/ipv4/conf/br0/proxy_arp') }),
      (plan) => plan.sysctl.set('net/ipv4/conf/nope/forwarding', '1'),
      (plan) => void plan.raw('sysctl.get', { name: '../etc/passwd' }),
    ],
  },
  {
    name: 'nft',
    acts: [
      (plan) => ({
        there: plan.nftables.tableExists(table),
        none: plan.nftables.elements(map),
      }),
      (plan) => void plan.nftables.commit(new Transaction().deleteTable(table)),
      (plan) =>
        void plan.nftables.commit(
          new Transaction()
            .addTable(table)
            .addSet(map)
            .addElements(map, [element(80), element(443)]),
        ),
      (plan) => ({ there: plan.nftables.tableExists(table) }),
      (plan) =>
        void plan.nftables.commit(new Transaction().addTable(table, { exclusive: true })),
      (plan) => void plan.nftables.commit(new Transaction().addTable(table)),
      (plan) =>
        void plan.nftables.commit(
          new Transaction().addElements(map, [element(80)], { exclusive: true }),
        ),
      (plan) =>
        void plan.nftables.commit(
          new Transaction().addElements(map, [element(80, '10.0.0.6')]),
        ),
      (plan) =>
        void plan.nftables.commit(new Transaction().addElements(map, [element(80)])),
      (plan) =>
        void plan.nftables.commit(
          new Transaction()
            .addElements(map, [element(81)])
            .deleteElements(map, [[6, 9999]]),
        ),
      (plan) => ({ elements: plan.nftables.elements(map) }),
      (plan) =>
        void plan.nftables.commit(new Transaction().deleteElements(map, [[6, 443]])),
      (plan) => void plan.nftables.commit(new Transaction(123456789).deleteTable(table)),
      (plan) => ({
        elements: plan.nftables.elements(map),
        generation: plan.nftables.generation(),
      }),
      (plan) => void plan.nftables.commit(new Transaction().deleteTable(table)),
    ],
  },
  {
    name: 'undo, stop and continue',
    acts: [
      base,
      (plan) => {
        plan.link.add({ kind: 'bridge', name: 'br1' })
        plan.link.ensure({ kind: 'bridge', name: 'br0' })
        plan.address.ensure({ link: plan.link.get('br0'), address: '10.1.0.1/24' })
        plan.route.add({ to: '10.7.0.0/24', via: '10.1.0.2' })
        plan.link.del(999)
      },
      everything,
      {
        onFailure: 'stop',
        act: (plan) => {
          plan.link.add({ kind: 'bridge', name: 'br2' })
          plan.link.del(999)
          plan.link.add({ kind: 'bridge', name: 'br3' })
        },
      },
      {
        onFailure: 'continue',
        act: (plan) => {
          plan.link.del(999)
          plan.link.add({ kind: 'bridge', name: 'br4' })
          plan.route.del({ to: '10.9.0.0/24' })
        },
      },
      everything,
      (plan) => {
        const missing = plan.link.read('nope', { optional: true })
        plan.raw('address.new', {
          family: 2,
          index: { ref: missing.step },
          prefixLength: 32,
          local: '10.1.0.77',
        })
      },
    ],
  },
]

// What differs between two kernels, too: indexes, times, generated MACs, traffic on the wire.
const VOLATILE = new Set(['lifetime', 'mac', 'flags', 'mtu', 'id', 'scope', 'metrics'])
// What the fake's links have no model of.
const NOT_MODELLED = new Set([
  'operState',
  'txQueueLength',
  'promiscuity',
  'minMtu',
  'maxMtu',
  'settings',
  'port',
  'linkNetnsId',
])
const IPV6_AUTOMATIC = /^(fe80|ff00)::/

function shape(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) {
    const list = value.filter((item) => !isAutomatic(item)).map((item) => shape(item))
    // The order of most dumps is the kernel's affair.
    if (key === 'inOrder') return list
    return list.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
  }
  if (value === null || typeof value !== 'object') {
    return key === 'generation' ? typeof value : value
  }
  const entries = Object.entries(value)
    .filter(
      ([name]) => !VOLATILE.has(name) && !NOT_MODELLED.has(name) && name !== 'unknown',
    )
    .sort(([a], [b]) => a.localeCompare(b))
  return Object.fromEntries(entries.map(([name, inner]) => [name, shape(inner, name)]))
}

function isAutomatic(item: unknown): boolean {
  const { address, to } = (item ?? {}) as { address?: string; to?: string }
  return IPV6_AUTOMATIC.test(address ?? '') || IPV6_AUTOMATIC.test(to ?? '')
}

function failure(error: unknown): object {
  if (error instanceof NetlinkError) {
    const { name, code, errno, op, step, undoFailures } = error
    return { name, code, errno, op, step, undoFailures: undoFailures.map(failure) }
  }
  if (error instanceof SyscallError) {
    const { name, code, errno, op, syscall } = error
    return { name, code, errno, op, syscall }
  }
  throw error
}

async function play(scenario: Scenario, home: NetNs, other: NetNs, sync: boolean) {
  const outcomes: unknown[] = []
  for (const entry of scenario.acts) {
    const { act, onFailure } =
      typeof entry === 'function' ? { act: entry, onFailure: 'undo' as const } : entry
    const plan = home.plan()
    const refs = act(plan, other) ?? {}
    try {
      const done = sync ? plan.runSync({ onFailure }) : await plan.run({ onFailure })
      const results = Object.fromEntries(
        Object.entries(refs).map(([name, ref]) => [name, shape(done.of(ref), name)]),
      )
      outcomes.push({ results, failures: done.failures.map(failure) })
    } catch (error) {
      outcomes.push(failure(error))
    }
  }
  return outcomes
}

for (const scenario of scenarios) {
  t.test(scenario.name, async (t) => {
    const real = [NetNs.create(), NetNs.create()] as const
    t.teardown(() => {
      for (const ns of real) ns.close()
    })
    const fake = new FakeKernel()
    const expected = await play(scenario, ...real, true)
    const seen = await play(scenario, fake.netns(), fake.netns(), false)
    expected.forEach((outcome, i) => t.strictSame(seen[i], outcome, `plan ${i}`))
  })
}
