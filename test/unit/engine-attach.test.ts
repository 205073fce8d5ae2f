/** ADD by the real door on a fake VM: what it makes, answers, and refuses. */
import t from 'tap'
import type { Link, NetNs } from '../../dist/esm/index.js'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import { CONFIG, FakeVm, NIC, ownerOf, SECOND_NIC } from '../helpers/fake-vm.js'

function linkOf(netns: NetNs, name: string): Link {
  const link = netns.sync.link.dump().find((one) => one.name === name)
  if (!link) throw new Error(`there is no link ${name}`)
  return link
}

const lasting = { ...CONFIG, bridgeLifetime: 'node' }

t.test('the first pod: the bridge, the pod and the result', async (t) => {
  const vm = new FakeVm()
  const { status, json, stderr } = await vm.add('web')
  t.equal(status, 0)
  t.equal(stderr, '')
  const hostLink = hostLinkName(ownerOf('web'))
  const { mac } = linkOf(vm.host, hostLink)
  t.strictSame(json, {
    cniVersion: '0.3.1',
    interfaces: [
      { name: 'azure0', mac: NIC.mac },
      { name: hostLink, mac },
      { name: 'eth0', mac: '0a:58:0a:00:00:05', sandbox: '/run/netns/web' },
    ],
    ips: [{ version: '4', interface: 2, address: '10.0.0.5/24', gateway: '10.0.0.1' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.0.0.1' }],
    dns: { nameservers: ['168.63.129.16'] },
  })

  const bridge = linkOf(vm.host, 'azure0')
  t.match(bridge, { kind: 'bridge', mac: NIC.mac, alias: 'azure-vnet', up: true })
  t.match(linkOf(vm.host, 'eth0'), {
    master: bridge.index,
    port: { hairpin: true },
  })
  t.match(linkOf(vm.host, hostLink), {
    master: bridge.index,
    up: true,
    mtu: 1500,
    port: { hairpin: true },
  })
  const on = (link: number) =>
    vm.host.sync.address.dump().filter((address) => address.link === link)
  t.strictSame(
    on(bridge.index).map(({ address }) => address),
    ['10.0.0.4/24', 'fd00::4/64', 'fe80::20d:3aff:fe12:0/64'],
    "the host's addresses are on the bridge",
  )
  t.strictSame(on(linkOf(vm.host, 'eth0').index), [], 'and none on the NIC')
  const defaults = vm.host.sync.route
    .dump({ family: 'ipv4' })
    .filter(({ to }) => to === 'default')
  t.match(defaults, [{ via: '10.0.0.1', link: bridge.index, priority: 100 }])
  t.match(vm.host.sync.neighbour.dump(), [
    { address: '10.0.0.5', mac: '0a:58:0a:00:00:05', link: bridge.index },
  ])

  const inside = vm.sandbox('web').sync
  t.match(linkOf(vm.sandbox('web'), 'eth0'), {
    mac: '0a:58:0a:00:00:05',
    mtu: 1500,
    up: true,
  })
  t.match(inside.address.dump(), [{ address: '10.0.0.5/24' }])
  t.match(
    inside.route.dump({ family: 'ipv4' }).find(({ to }) => to === 'default'),
    { via: '10.0.0.1' },
  )
  t.match(vm.records(), {
    networks: {
      azure0: {
        mode: 'bridge',
        nic: 'eth0',
        phase: 'ready',
        made: true,
        lifetime: 'pods',
      },
    },
    attachments: {
      'azure/web/eth0': {
        phase: 'ready',
        mode: 'bridge',
        network: 'azure0',
        addresses: [{ address: '10.0.0.5/24', mac: '0a:58:0a:00:00:05' }],
        links: { host: hostLink },
        ipam: 'azure-vnet-ipam',
      },
    },
    leases: [{ address: '10.0.0.5/24', nic: 'eth0' }],
  })
  t.equal(vm.asked, 1)
})

t.test('pods after the first touch neither the NIC nor the source', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  vm.kernel.reset()
  const { json } = await vm.add('db')
  t.match(json, { ips: [{ address: '10.0.0.6/24' }] })
  const changed = vm.kernel.steps.map(({ op }) => op)
  t.notMatch(changed.join(' '), /address\.del|route\.del/)
  const switches = vm.kernel.steps.filter(({ op }) => op === 'sysctl.set')
  t.match(
    switches.map(({ args }) => String(args['name'])),
    [/^net\/ipv6\/conf\/azv\w+\/accept_ra$/, 'net/ipv6/conf/eth0/accept_ra'],
    'of the pair alone',
  )
  t.equal(changed.filter((op) => op === 'link.new').length, 1, 'the pair alone')
  t.equal(vm.asked, 1)
})

t.test('the last pod takes the bridge along, or leaves it', async (t) => {
  for (const [config, stays] of [
    [CONFIG, false],
    [lasting, true],
  ] as const) {
    const vm = new FakeVm()
    const before = vm.picture()
    for (const id of ['web', 'db']) await vm.add(id, { config })
    await vm.del('web', { config })
    t.match(vm.links(), ['lo', 'eth0', 'azure0', /^azv/], 'the other one has its bridge')
    await vm.del('db', { config })
    t.strictSame(vm.leased(), [])
    t.strictSame(vm.recorded(), {})
    if (stays) t.match(vm.records(), { networks: { azure0: { phase: 'ready' } } })
    else t.strictSame(vm.picture(), before)
    t.equal(vm.links().includes('azure0'), stays)
  }
})

t.test('a lifetime that a list changes', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  await vm.add('web', { config: lasting })
  await vm.add('db')
  t.match(vm.records(), { networks: { azure0: { lifetime: 'pods' } } })
  for (const id of ['web', 'db']) await vm.del(id)
  t.strictSame(vm.picture(), before)
})

t.test('names of bridges', async (t) => {
  const vm = new FakeVm()
  const { bridge: _, ...config } = CONFIG
  const { json } = await vm.add('web', { config })
  t.match(json, { interfaces: [{ name: 'azure2' }] }, "the primary interface's index")
  const { json: again } = await vm.add('db', { config })
  t.match(again, { interfaces: [{ name: 'azure2' }] }, 'which stays the same')
})

t.test('two NICs: a bridge for each, the pool tells which', async (t) => {
  const vm = new FakeVm({ nics: [NIC, SECOND_NIC] })
  const before = vm.picture()
  const first = { ...CONFIG, master: 'eth0' }
  const second = { ...CONFIG, name: 'other', bridge: 'azure1' }
  t.match((await vm.add('web', { config: first })).json, {
    interfaces: [{ name: 'azure0', mac: NIC.mac }],
    ips: [{ address: '10.0.0.5/24', gateway: '10.0.0.1' }],
  })
  t.match((await vm.add('db', { config: second })).json, {
    interfaces: [{ name: 'azure1', mac: SECOND_NIC.mac }],
    ips: [{ address: '10.0.1.5/24', gateway: '10.0.1.1' }],
  })
  // One container with an interface in each.
  const eth1 = { config: first, env: { CNI_IFNAME: 'eth1' } }
  t.match((await vm.add('db', eth1)).json, { ips: [{ address: '10.0.0.6/24' }] })
  const defaults = vm
    .sandbox('db')
    .sync.route.dump({ family: 'ipv4' })
    .filter(({ to }) => to === 'default')
  t.match(defaults, [{ via: '10.0.1.1' }], 'its default route stays that of the first')
  t.equal(defaults.length, 1)
  await vm.del('db', eth1)
  await vm.del('db', { config: second })
  await vm.del('web', { config: first })
  t.strictSame(vm.picture(), before)
})

t.test('a master that is not where the subnet is', async (t) => {
  const vm = new FakeVm({ nics: [NIC, SECOND_NIC] })
  const config = { ...CONFIG, master: 'eth1' }
  t.match((await vm.add('web', { config })).json, { ips: [{ address: '10.0.1.5/24' }] })
  const none = { ...config, ipam: { ...CONFIG.ipam, subnet: NIC.prefix } }
  const { json } = await vm.add('db', { config: none })
  t.match(json, { code: 100, msg: /NIC eth1/ })
})

t.test('what is refused leaves all as it was', async (t) => {
  const refusals: [
    name: string,
    change: (vm: FakeVm) => unknown,
    more: Record<string, unknown>,
    answer: object,
  ][] = [
    [
      'an interface that is there',
      (vm) => {
        vm.sandbox('web').sync.link.add({ kind: 'dummy', name: 'eth0' })
      },
      {},
      { code: 104, msg: /CNI_IFNAME.*eth0/ },
    ],
    ['no such master', () => {}, { master: 'eth7' }, { code: 7, msg: /master.*eth7/ }],
    [
      'a name that another kind of link has',
      (vm) => vm.host.sync.link.add({ kind: 'dummy', name: 'azure0' }),
      {},
      { code: 108, msg: /azure0 is an interface of the host and no bridge/ },
    ],
    [
      'a NIC that is a port of another bridge',
      (vm) => {
        const plan = vm.host.plan()
        const master = plan.link.add({ kind: 'bridge', name: 'br0' })
        plan.link.set(plan.link.get('eth0'), { master })
        plan.runSync()
      },
      {},
      { code: 108, msg: /eth0 is a port of br0/ },
    ],
    [
      'a pool without secondary addresses',
      (vm) => (vm.nics = [{ ...NIC, secondaries: [] }]),
      {},
      { code: 100, msg: /no secondary addresses/ },
    ],
    [
      'an address of IPv6',
      () => {},
      { ipam: { ...CONFIG.ipam, subnet: 'fd00::/64' } },
      { code: 7, msg: /ipam\.subnet/ },
    ],
    [
      'an address that is not in the pool',
      () => {},
      { ipam: { ...CONFIG.ipam, ipAddress: '10.0.0.99' } },
      { code: 106, msg: /10\.0\.0\.99/ },
    ],
  ]
  for (const [name, change, more, answer] of refusals) {
    const vm = new FakeVm()
    change(vm)
    const before = [vm.picture(), vm.pictureOf('web')]
    const { status, json } = await vm.add('web', { config: { ...CONFIG, ...more } })
    t.equal(status, 1, name)
    t.match(json, answer, name)
    t.strictSame([vm.picture(), vm.pictureOf('web')], before, `${name}: as it was`)
    t.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] }, name)
  }
})

t.test('a source that is down, and one that is back', async (t) => {
  const vm = new FakeVm()
  const { http } = vm
  vm.http = () =>
    Promise.reject(
      Object.assign(new Error('cannot be reached: ECONNREFUSED'), {
        name: 'HttpError',
        kind: 'unreachable',
      }),
    )
  const before = vm.picture()
  t.match((await vm.add('web')).json, { code: 101, msg: /ECONNREFUSED/ })
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.recorded(), {})
  vm.http = http
  t.equal((await vm.add('web')).status, 0)
})

t.test('a pool that is used up', async (t) => {
  const vm = new FakeVm({ nics: [{ ...NIC, secondaries: ['10.0.0.5'] }] })
  await vm.add('web')
  const before = [vm.picture(), vm.records()]
  t.match((await vm.add('db')).json, { code: 100, msg: /1 addresses, 1 in use/ })
  t.strictSame([vm.picture(), vm.records()], before)
})

t.test('namespaces that cannot be a sandbox', async (t) => {
  const vm = new FakeVm()
  vm.namespaces.set('/run/netns/host', vm.host)
  const before = vm.picture()
  t.match((await vm.run('ADD', 'gone', {})).json, {
    code: 4,
    msg: /gone cannot be opened/,
  })
  t.match((await vm.run('ADD', 'host', {})).json, { code: 8 })
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.files(), [])
})

/** The pods' records are lost; of the kernel's, the bridge's table alone has them. */
async function forget(vm: FakeVm): Promise<void> {
  await vm.withEngine(({ store }) =>
    store.update((state) => void (state.attachments = {})),
  )
  vm.lose('ipam.json')
  for (const { link, address } of vm.host.sync.neighbour.dump()) {
    vm.host.sync.neighbour.del({ link, address })
  }
}

t.test('addresses that somebody without a lease has are passed over', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  await forget(vm)
  const { status, json } = await vm.add('db')
  t.equal(status, 0)
  t.match(json, { ips: [{ address: '10.0.0.6/24' }] })
  t.match(
    vm.logLines().filter(({ level }) => level === 'warn'),
    [{ msg: /this address/, address: '10.0.0.5' }],
  )
  t.strictSame(vm.leased(), ['10.0.0.6/24'])
})

t.test('but not for ever', async (t) => {
  const last = (n: number) => `10.0.0.${n + 5}`
  const secondaries = Array.from({ length: 30 }, (_, n) => last(n))
  const vm = new FakeVm({ nics: [{ ...NIC, secondaries }] })
  for (let n = 0; n < 20; n++) await vm.add(`pod${n}`)
  await forget(vm)
  const before = [vm.picture(), vm.records()]
  const { json } = await vm.add('db')
  t.match(json, { code: 106, msg: `address ${last(16)} is in use on this node` })
  t.strictSame([vm.picture(), vm.records()], before)
  const passed = vm.logLines().filter(({ msg }) => /this address/.test(msg))
  t.equal(passed.length, 16)
})

t.test('ADD of a pod whose interface is gone begins anew', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  vm.sandbox('web').sync.link.del('eth0')
  t.match((await vm.add('web')).json, { ips: [{ address: /^10\.0\.0\./ }] })
  t.equal(vm.leased().length, 1)
  t.match(
    vm.logLines().find(({ level }) => level === 'warn'),
    { msg: /left over/ },
  )
})

t.test('two ADDs of one interface at once', async (t) => {
  const vm = new FakeVm()
  let resume = () => {}
  const { http } = vm
  const isAsked = new Promise<void>((resolve) => {
    vm.http = async (url) => {
      resolve()
      await new Promise<void>((go) => (resume = go))
      return http(url)
    }
  })
  const first = vm.add('web')
  await isAsked
  const second = await vm.add('web')
  t.match(second.json, { code: 11, msg: /is adding eth0/ })
  resume()
  t.equal((await first).status, 0)
  t.strictSame(vm.leased(), ['10.0.0.5/24'])
})

t.test('many ADDs and DELs at once', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const ids = ['a', 'b', 'c', 'd']
  const answers = await Promise.all(ids.map((id) => vm.add(id)))
  t.strictSame(
    answers.map(({ status }) => status),
    [0, 0, 0, 0],
  )
  t.strictSame(
    vm.leased(),
    NIC.secondaries.map((address) => `${address}/24`),
  )
  await Promise.all(ids.map((id) => vm.del(id)))
  t.strictSame(vm.picture(), before)
})

t.test('resolvers of the configuration win', async (t) => {
  const vm = new FakeVm()
  const dns = { nameservers: ['10.0.0.53'], search: ['corp.example'] }
  const { json } = await vm.add('web', { config: { ...CONFIG, dns } })
  t.strictSame(json['dns'], dns)
})

t.test('fields without effect are told', async (t) => {
  const vm = new FakeVm()
  await vm.add('web', { config: { ...CONFIG, disableIPTableLock: true } })
  t.match(vm.logLines()[0], { level: 'warn', msg: /disableIPTableLock/ })
})

t.test('ADD mends what somebody broke', async (t) => {
  const accidents: [string, (vm: FakeVm) => void][] = [
    ['a flushed ruleset', (vm) => vm.flushRuleset()],
    ['a bridge deleted by hand', (vm) => vm.host.sync.link.del('azure0')],
    [
      'a NIC taken out of the bridge',
      (vm) => vm.host.sync.link.set('eth0', { master: 0 }),
    ],
    [
      'a bridge that is down, without its tables',
      (vm) => {
        vm.host.sync.link.set('azure0', { up: false })
        vm.flushRuleset()
      },
    ],
    [
      'a bridge without its mark, and without its tables',
      (vm) => {
        vm.host.sync.link.set('azure0', { alias: '' })
        vm.flushRuleset()
      },
    ],
  ]
  for (const [what, happen] of accidents) {
    const vm = new FakeVm()
    await vm.add('web')
    happen(vm)
    t.equal((await vm.add('db')).status, 0, what)
    const bridge = linkOf(vm.host, 'azure0')
    t.match(bridge, { up: true, alias: 'azure-vnet', mac: NIC.mac }, what)
    const ports = vm.host.sync.link.dump().filter(({ master }) => master === bridge.index)
    t.equal(ports.length, 3, `${what}: the NIC and both pods are ports`)
    t.ok(
      ports.every(({ port }) => port?.hairpin),
      what,
    )
    t.match(
      vm.host.sync.neighbour.dump().map(({ address, link }) => ({ address, link })),
      ['10.0.0.5', '10.0.0.6'].map((address) => ({ address, link: bridge.index })),
      what,
    )
    for (const id of ['web', 'db']) t.equal((await vm.del(id)).status, 0, what)
    t.strictSame(vm.links(), ['lo', 'eth0'], `${what}: the bridge goes`)
    t.notMatch(JSON.stringify(vm.picture()), /azure_vnet_/, `${what}: and its tables`)
  }
})

t.test('a bridge that somebody takes away as soon as it is there', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const { steps } = vm.kernel
  let isFirst = true
  // The last step of making the bridge.
  steps.push = (...more) => {
    for (const step of more) steps[steps.length] = step
    if (isFirst && more.some(({ op }) => op === 'bridgePort.set')) {
      isFirst = false
      vm.host.sync.link.del('azure0')
    }
    return steps.length
  }
  const { json } = await vm.add('web')
  t.match(json, { code: 108, msg: /azure0 was taken away by somebody else/ })
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.recorded(), {})
})

t.test('a configuration that is wrong is refused before anything happens', async (t) => {
  const wrong: [Record<string, unknown>, object][] = [
    [{ mode: 'tunnel' }, { code: 7, msg: /mode/ }],
    [{ bridge: 'a/b' }, { code: 7, msg: /bridge/ }],
    [{ bridgeLifetime: 'ever' }, { code: 7, msg: /bridgeLifetime/ }],
    [{ ipam: { type: '../x' } }, { code: 7, msg: /ipam\.type/ }],
    [{ masquerade: 'yes' }, { code: 7, msg: /masquerade/ }],
    [{ masquerade: { excpet: [] } }, { code: 7, msg: /excpet/ }],
    [{ masquerade: { except: ['fd00::/8'] } }, { code: 7, msg: /except/ }],
    [{ multiTenancy: true }, { code: 2, msg: /multiTenancy/ }],
    [{ masquarade: true }, { code: 0 }],
  ]
  for (const [more, expected] of wrong) {
    const vm = new FakeVm()
    const { json } = await vm.add('web', { config: { ...CONFIG, ...more } })
    t.match({ code: 0, ...json }, expected, JSON.stringify(more))
    if (json['code']) t.strictSame(vm.files(), [], JSON.stringify(more))
    else t.match(vm.logLines()[0], { level: 'warn', msg: /masquarade/ })
  }
})
