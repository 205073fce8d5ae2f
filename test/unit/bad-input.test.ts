import t from 'tap'
import { Transaction, type Plan } from '../../dist/esm/index.js'
import { FakeKernel } from '../../dist/esm/testing/index.js'

// What no compiler stops: input that comes out of files, requests and JavaScript.
type Any = any
type Bad = readonly [message: RegExp, make: (p: Plan, other: Plan) => unknown]

const mac = '02:00:00:00:00:09'
const address = '10.0.0.5/24'
const to = '10.9.0.0/24'

const NAMES: Any[] = [
  ...[
    'sixteen_bytes_xx',
    'a/b',
    'a:b',
    'a b',
    '',
    '.',
    '..',
    'a%d',
    'a\0b',
    'é'.repeat(8),
  ],
  ...[5, {}, null],
]
const names = NAMES.flatMap((name): Bad[] => [
  [
    /^name: .* is no interface name; give 1 to 15/,
    (p) => p.link.add({ kind: 'bridge', name }),
  ],
  [/^name: .* is no interface name/, (p) => p.link.addVeth({ name: 'ok' }, { name })],
  [/^name: .* is no interface name/, (p) => p.link.set(2, { name })],
  [/^inLink: .* is no interface name/, (p) => p.rule.add({ inLink: name, table: 5 })],
])
// A link is found by a longer name too: an alternative one.
const found = NAMES.filter((name) => Buffer.byteLength(`${name}`) < 16).flatMap(
  (name): Bad[] => [
    [/^name: .* is no interface name/, (p) => p.link.get(name)],
    [/^name: .* is no interface name/, (p) => p.link.delIfExists(name)],
  ],
)

const PREFIXES: Any[] = [
  ...[
    '10.0.0.5/33',
    '10.0.0.5/-1',
    '10.0.0.5/x',
    '10.0.0.5/',
    '10.0.0/24',
    'fd00::1/129',
  ],
  ...['300.0.0.1/24', '010.0.0.1/24', 'fe80::1%va/64', '', ' 10.0.0.5/24', 5, null, {}],
]
const prefixes = PREFIXES.flatMap((bad): Bad[] => [
  [/^address: ./, (p) => p.address.add({ link: 2, address: bad })],
  [/^to: ./, (p) => p.route.add({ to: bad, link: 2 })],
  [/^to: ./, (p) => p.route.get(bad)],
  [/^from: ./, (p) => p.rule.add({ from: bad, table: 5 })],
  [/^address: ./, (p) => p.neighbour.add({ link: 2, address: bad, mac })],
])

const MTUS: Any[] = [-1, 1.5, '1400', Number.NaN, 2 ** 31, null, true]
const mtus = MTUS.flatMap((mtu): Bad[] => [
  [
    /^mtu: must be an integer from 0 to/,
    (p) => p.link.add({ kind: 'bridge', name: 'ok', mtu }),
  ],
  [/^mtu: must be an integer from 0 to/, (p) => p.link.set(2, { mtu })],
])

const odd = (value: object) => value as Any
const misspelt: Bad[] = [
  [
    /^mtuu: no option of link.add/,
    (p) => p.link.add(odd({ kind: 'bridge', name: 'ok', mtuu: 1 })),
  ],
  [/^upp: no option of link.set/, (p) => p.link.set(2, odd({ upp: true }))],
  [/^stpp: no option/, (p) => p.link.setBridge(2, odd({ stpp: true }))],
  [/^lable: no option/, (p) => p.address.add(odd({ link: 2, address, lable: 'x' }))],
  [/^famly: no option/, (p) => p.address.flush(odd({ link: 2, famly: 'ipv4' }))],
  [/^gateway: no option/, (p) => p.route.add(odd({ to, gateway: '10.0.0.2' }))],
  [/^tabel: no option/, (p) => p.route.flush(odd({ family: 'ipv4', tabel: 100 }))],
  [/^form: no option/, (p) => p.rule.add(odd({ form: '10.0.0.0/8', table: 5 }))],
  [
    /^lladdr: no option/,
    (p) => p.neighbour.add(odd({ link: 2, address: '10.0.0.9', lladdr: mac })),
  ],
  [/^famly: no option/, (p) => p.neighbour.flush(odd({ link: 2, famly: 'ipv4' }))],
  [/^self: no option/, (p) => p.fdb.add(odd({ link: 2, mac, self: true }))],
  [/^hairpinn: no option/, (p) => p.bridgePort.set(2, odd({ hairpinn: true }))],
  [/^pvidd: no option/, (p) => p.bridgePort.addVlan(2, odd({ id: 5, pvidd: true }))],
]

const SYSCTLS: Any[] = [
  ...['net/../kernel/hostname', '../etc/passwd', 'net/./ipv4', '/net/ipv4', 'hostname'],
  ...['net.ipv4.ip_forward', 'net//ipv4', 'net/ipv4\0', '', 5, null],
]
const sysctls = SYSCTLS.flatMap((name): Bad[] => [
  [/^name: .* is no sysctl; write it with slashes/, (p) => p.sysctl.get(name)],
  [/^name: .* is no sysctl/, (p) => p.sysctl.set(name, 1)],
  [/^name: .* is no sysctl/, (p) => p.sysctl.get(name)],
  [/^name: .* is no sysctl/, (p) => p.sysctl.set(name, '1')],
])

const wrong: Bad[] = [
  [
    /^optinal: no option of sysctl.get/,
    (p) => p.sysctl.get('a/b', odd({ optinal: true })),
  ],
  [/^onfailure: no option of Plan.runSync/, (p) => p.runSync(odd({ onfailure: 'stop' }))],
  [/^family: ip4 is not one of/, (p) => p.address.flush(odd({ link: 2, family: 'ip4' }))],
  [/^family: inet is not one of/, (p) => p.route.flush(odd({ family: 'inet' }))],
  [/^family: v6 is not one of/, (p) => p.rule.add(odd({ family: 'v6', table: 5 }))],
  [/^up: must be true or false, not "no"/, (p) => p.link.set(2, odd({ up: 'no' }))],
  [/^stp: must be true or false/, (p) => p.link.setBridge(2, odd({ stp: 'off' }))],
  [/^hairpin: must be true or/, (p) => p.bridgePort.set(2, odd({ hairpin: 'off' }))],
  [/^state: must be an integer/, (p) => p.bridgePort.set(2, odd({ state: '3' }))],
  [/^table: both is not one of/, (p) => p.fdb.add(odd({ link: 2, mac, table: 'both' }))],
  [/^hops: give a list/, (p) => p.route.add(odd({ to, hops: 'x' }))],
  [/^netns: give a namespace/, (p) => p.link.set(2, odd({ netns: 'pod' }))],
  [/^netns: give a namespace/, (p) => p.in('pod' as Any).link.dump()],
  [/^netns: give a namespace/, (p) => p.nsid.get(undefined as Any)],
  [/^kind: foo is not one of/, (p) => p.link.add(odd({ kind: 'foo', name: 'ok' }))],
  [/^kind: undefined is not one of/, (p) => p.link.add(undefined as Any)],
  [/^name: undefined is no interface/, (p) => p.link.add(odd({ kind: 'bridge' }))],
  [
    /^hops\.0\.wieght: no option of a next hop/,
    (p) => p.route.add(odd({ to, hops: [{ link: 2, wieght: 2 }] })),
  ],
  [/^source: "x" is not an IPv4/, (p) => p.route.get('10.0.0.1', { source: 'x' })],
  [/^address: give an object/, (p) => p.address.add(null as Any)],
  [/^route: give an object/, (p) => p.route.add('10.0.0.0/8' as Any)],
  [/^link.set: give an object/, (p) => p.link.set(2, undefined as Any)],
  [/^link.addVeth: give an object/, (p) => p.link.addVeth({ name: 'ok' }, null as Any)],
  [/^link: must be an interface index/, (p) => p.link.set(-1, { up: true })],
  [/^link: \[object Object\] is no inter/, (p) => p.link.set(odd({}), { up: true })],
  [/^link: .* is no interface/, (p) => p.link.set(p.address.dump() as Any, { up: true })],
  [
    /^mac: an entry whose state/,
    (p) => p.neighbour.add({ link: 2, address: '10.0.0.9' }),
  ],
  [/^group: must be/, (p) => p.link.delGroup(0)],
  [/^onFailure: all is not one of/, (p) => p.runSync(odd({ onFailure: 'all' }))],
  [
    /^link: the reference is of another plan; run that one first/,
    (p, other) =>
      p.link.set(other.link.add({ kind: 'bridge', name: 'ok' }), { up: true }),
  ],
]

t.test('every verb names the field, the value and the cure', async (t) => {
  const host = new FakeKernel().netns()
  for (const [message, make] of [
    ...names,
    ...found,
    ...prefixes,
    ...mtus,
    ...misspelt,
    ...sysctls,
    ...wrong,
  ]) {
    const plan = host.plan()
    t.throws(() => make(plan, host.plan()), { name: 'TypeError', message })
    // Half a step would be half a write.
    t.notOk(plan.steps.some(({ op }) => /new|set|del|flush/.test(op)))
  }
})

t.test('so do the calls of a namespace', async (t) => {
  const host = new FakeKernel().netns()
  const calls: (readonly [message: RegExp, call: () => unknown])[] = [
    [/^kinds: links is not one of/, () => host.monitor(['links' as Any])],
    [
      /^limt: no option of NetNs.monitor; /,
      () => host.monitor(['link'], odd({ limt: 5 })),
    ],
    [/^limit: 0 must be/, () => host.monitor(['link'], { limit: 0 })],
    [/^signal: must be .*not 5/, () => host.monitor(['link'], odd({ signal: 5 }))],
    [/^NetNs.monitor: give an object/, () => host.monitor(['link'], 5 as Any)],
    [
      /^enviroment: no option of NetNs.spawn/,
      () => host.spawn('x', [], odd({ enviroment: {} })),
    ],
    [/^signal: must be .*not 5/, () => host.spawn('x', [], odd({ signal: 5 }))],
  ]
  for (const [message, call] of calls) t.throws(call, { name: 'TypeError', message })
  const rejected: (readonly [message: RegExp, call: () => Promise<unknown>])[] = [
    [/^signal: must be .*not 5/, () => host.plan().run(odd({ signal: 5 }))],
    [/^signal: must be .*not null/, () => host.plan().run(odd({ signal: null }))],
    [
      /^onfailure: no option of Plan.run/,
      () => host.plan().run(odd({ onfailure: 'stop' })),
    ],
    [/^signal: must be .*not 5/, () => host.link.dump(odd({ signal: 5 }))],
    [/^signal: must be .*not 5/, () => host.nftables.list({}, odd({ signal: 5 }))],
    [
      /^signal: must be .*not 5/,
      () => host.nftables.commit(new Transaction(), odd({ signal: 5 })),
    ],
    [/^signal: must be .*not 5/, () => host.exec('x', [], odd({ signal: 5 }))],
    [/^maxBufer: no option/, () => host.exec('x', [], odd({ maxBufer: 5 }))],
  ]
  for (const [message, call] of rejected) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await t.rejects(call(), { name: 'TypeError', message })
  }
})
