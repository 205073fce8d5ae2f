/** Addresses of another IPAM plug-in, and what the engine makes of bad ones. */
import t from 'tap'
import { LockTimeoutError } from '../../dist/esm/host/errors.js'
import type { Host } from '../../dist/esm/host/host.js'
import type { ExecOutcome, ExecRequest } from '../../dist/esm/host/exec.js'
import { attach } from '../../dist/esm/engine/attach.js'
import type { Leased } from '../../dist/esm/engine/engine.js'
import { AddressService } from '../../dist/esm/engine/leases.js'
import { readNics } from '../../dist/esm/vnet/index.js'
import { changed } from '../helpers/crash.js'
import { CONFIG, FakeVm, NIC, ownerOf } from '../helpers/fake-vm.js'

const foreign = { ...CONFIG, ipam: { type: 'host-local', subnet: '10.0.0.0/24' } }

/** A VM with host-local, which answers ADD with these addresses, and what it was asked. */
function vmWith(answer: object | Partial<ExecOutcome>) {
  const vm = new FakeVm()
  vm.program('host-local')
  const asked: {
    verb: string | undefined
    id: string | undefined
    ifname: string | undefined
  }[] = []
  vm.exec = async ({ env, file }: ExecRequest) => {
    t.match(file, /\/bin\/host-local$/)
    asked.push({ verb: env.CNI_COMMAND, id: env.CNI_CONTAINERID, ifname: env.CNI_IFNAME })
    const outcome = { status: 0, signal: null, stdout: '', stderr: '' }
    if (env.CNI_COMMAND === 'DEL') return outcome
    if ('status' in answer) return { ...outcome, ...(answer as Partial<ExecOutcome>) }
    return { ...outcome, stdout: JSON.stringify({ cniVersion: '0.3.1', ...answer }) }
  }
  return { vm, asked }
}

const ips = (...all: object[]) => ({ ips: all.map((ip) => ({ version: '4', ...ip })) })

t.test("its address, gateway and resolvers are the pod's", async (t) => {
  const dns = { nameservers: ['10.0.0.53'] }
  const { vm, asked } = vmWith({
    ...ips({ address: '10.0.0.77/24', gateway: '10.0.0.254' }),
    dns,
  })
  const before = vm.picture()
  const { status, json } = await vm.add('web', { config: foreign })
  t.equal(status, 0)
  t.match(json, {
    ips: [{ address: '10.0.0.77/24', gateway: '10.0.0.254' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.0.0.254' }],
    dns,
  })
  t.match(vm.records(), { attachments: { 'azure/web/eth0': { ipam: 'host-local' } } })
  // The record says who takes the address back, whatever the list says by then.
  t.equal((await vm.del('web')).status, 0)
  t.strictSame(
    asked.map(({ verb, id }) => `${verb} ${id}`),
    ['ADD web', 'DEL web'],
  )
  t.strictSame(vm.picture(), before)
  t.equal(vm.asked, 0, "Azure's source was left alone")
})

t.test('without a gateway it is the first host of the subnet', async (t) => {
  const { vm } = vmWith(ips({ address: '10.0.0.77/24' }))
  const { json } = await vm.add('web', { config: foreign })
  t.match(json, { ips: [{ gateway: '10.0.0.1' }] })
  t.strictSame(json['dns'], {})
})

t.test("its routes are the pod's", async (t) => {
  const { vm } = vmWith({
    ...ips({ address: '10.0.0.77/24', gateway: '10.0.0.254' }),
    routes: [
      { dst: '0.0.0.0/0' },
      { dst: '192.168.0.0/16', gw: '10.0.0.9' },
      { dst: '172.16.0.0/12' },
      { dst: '172.31.0.0/16', gw: '10.9.9.9' },
      { dst: 'fd00::/8', gw: 'fd00::1' },
      { dst: '0.0.0.0/0', gw: '10.0.0.9' },
    ],
  })
  const { status, json } = await vm.add('web', { config: foreign })
  t.equal(status, 0)
  const routes = [
    { dst: '0.0.0.0/0', gw: '10.0.0.254' },
    { dst: '192.168.0.0/16', gw: '10.0.0.9' },
    { dst: '172.16.0.0/12', gw: '10.0.0.254' },
  ]
  t.strictSame(json['routes'], routes)
  const inside = vm.sandbox('web').sync.route.dump({ family: 'ipv4' })
  const found = inside.filter(({ via }) => via !== undefined)
  t.strictSame(found.map(({ to, via }) => `${to} ${via}`).sort(), [
    '172.16.0.0/12 10.0.0.254',
    '192.168.0.0/16 10.0.0.9',
    'default 10.0.0.254',
  ])
  const warned = vm.logLines().filter(({ level }) => level === 'warn')
  t.match(warned, [
    { msg: /the route to 172\.31\.0\.0\/16 by 10\.9\.9\.9 is left out/ },
    { msg: /the route to fd00::\/8/ },
    { msg: /the route to 0\.0\.0\.0\/0 by 10\.0\.0\.9 is left out/ },
  ])
})

t.test('an address that the runtime asks for', async (t) => {
  for (const more of [
    { args: { cni: { ips: ['10.0.0.7/24'] } } },
    { runtimeConfig: { ips: ['10.0.0.7'] } },
  ]) {
    const vm = new FakeVm()
    const { json } = await vm.add('web', { config: { ...CONFIG, ...more } })
    t.match(json, { ips: [{ address: '10.0.0.7/24' }] })
  }
  const wrong: [string[], object][] = [
    [['nonsense'], { code: 7, msg: /runtimeConfig\.ips/ }],
    [['10.0.0.7', '10.0.0.8'], { code: 7, msg: /one address of each family/ }],
    [['10.0.0.7', 'fd00::7'], { code: 7, msg: /carries IPv4 alone/ }],
    [['10.0.0.99'], { code: 106, msg: /10\.0\.0\.99 is not a secondary address/ }],
  ]
  for (const [wanted, expected] of wrong) {
    const vm = new FakeVm()
    const before = vm.picture()
    const { json } = await vm.add('web', {
      config: { ...CONFIG, runtimeConfig: { ips: wanted } },
    })
    t.match(json, expected)
    t.strictSame(vm.picture(), before)
  }
})

t.test('of several addresses the first of IPv4 counts', async (t) => {
  const { vm } = vmWith({
    ips: [
      { version: '6', address: 'fd00::77/64' },
      { version: '4', address: '10.0.0.78/24' },
    ],
  })
  t.match((await vm.add('web', { config: foreign })).json, {
    ips: [{ address: '10.0.0.78/24' }],
  })
})

t.test(
  'what it does wrong fails ADD, gives back what it gave, and leaves nothing',
  async (t) => {
    const wrong: [name: string, answer: object, expected: object][] = [
      [
        'IPv6 alone',
        { ips: [{ version: '6', address: 'fd00::77/64' }] },
        { code: 105, msg: /host-local gave no IPv4 address/ },
      ],
      ['no address', { ips: [] }, { code: 105, msg: /no IPv4 address/ }],
      [
        'an error of its own',
        { status: 1, stdout: '{"code": 77, "msg": "the range is full"}' },
        { code: 77, msg: /the range is full/ },
      ],
      ['no answer', { status: 1, stderr: 'oh' }, { code: 105, msg: /exited with 1/ }],
      ['it does not start', { status: null, failure: 'EACCES' }, { code: 105 }],
      [
        'a gateway elsewhere',
        ips({ address: '10.0.0.77/24', gateway: '10.9.0.1' }),
        { code: 106, msg: /gateway 10\.9\.0\.1 for 10\.0\.0\.77/ },
      ],
      [
        'a pod that is its own gateway',
        ips({ address: '10.0.0.77/24', gateway: '10.0.0.77' }),
        { code: 106, details: /own gateway/ },
      ],
    ]
    for (const [name, answer, expected] of wrong) {
      const { vm, asked } = vmWith(answer)
      const before = vm.picture()
      const { status, json, stderr } = await vm.add('web', { config: foreign })
      t.equal(status, 1, name)
      t.match(json, expected, name)
      t.strictSame(vm.picture(), before, `${name}: the host is as it was`)
      t.strictSame(vm.recorded(), {}, `${name}: no record`)
      t.strictSame(
        asked.map(({ verb }) => verb),
        ['ADD', 'DEL'],
        `${name}: what it may have given is given back`,
      )
      if (name === 'no answer') t.match(stderr, /oh/, 'people see what it says')
    }
  },
)

t.test('an address that a pod of this node has already', async (t) => {
  const { vm, asked } = vmWith(ips({ address: '10.0.0.77/24' }))
  await vm.add('web', { config: foreign })
  const before = [vm.picture(), vm.records()]
  const { json } = await vm.add('db', { config: { ...foreign, name: 'other' } })
  t.match(json, { code: 106, msg: /10\.0\.0\.77 \(another pod of this node has it\)/ })
  t.strictSame([vm.picture(), vm.records()], before)
  t.strictSame(
    asked.map(({ verb, id }) => `${verb} ${id}`),
    ['ADD web', 'ADD db', 'DEL db', 'ADD db', 'DEL db'],
  )
})

t.test('a plug-in that is not installed', async (t) => {
  const vm = new FakeVm()
  const { json } = await vm.add('web', { config: foreign })
  t.match(json, { code: 105, msg: /host-local: not found/ })
  t.strictSame(vm.recorded(), {})
  t.match(
    vm.logLines().find(({ msg }) => /undoing/.test(msg)),
    { level: 'error', error: /not found/ },
  )
  const { status } = await vm.del('web', { config: foreign })
  t.equal(status, 1, 'DEL says so too')
})

t.test('DEL without a record asks whom the configuration names', async (t) => {
  const { vm, asked } = vmWith(ips({ address: '10.0.0.77/24' }))
  t.equal((await vm.del('web', { config: foreign })).status, 0)
  t.equal((await vm.del('web', { config: { ...CONFIG, ipam: 7 } })).status, 0)
  t.equal(
    (await vm.del('web', { config: { ...CONFIG, ipam: { type: '../x' } } })).status,
    0,
  )
  t.strictSame(asked, [{ verb: 'DEL', id: 'web', ifname: 'eth0' }])
})

t.test(
  'what a dead ADD of another pod was given goes back under its own name',
  async (t) => {
    const { vm, asked } = vmWith(ips({ address: '10.0.0.77/24' }))
    let count = 0
    vm.exec = async ({ env }) => {
      asked.push({
        verb: env.CNI_COMMAND,
        id: env.CNI_CONTAINERID,
        ifname: env.CNI_IFNAME,
      })
      const address = `10.0.0.${77 + count++}/24`
      const stdout = JSON.stringify({ cniVersion: '0.3.1', ...ips({ address }) })
      return { status: 0, signal: null, stdout, stderr: '' }
    }
    await vm.withEngine(({ store, host }) =>
      store.update((state) => {
        const owner = { ...ownerOf('dead'), ifname: 'eth5' }
        state.attachments['azure/dead/eth5'] = {
          phase: 'adding',
          owner,
          adder: host.self,
        }
      }),
    )
    t.equal((await vm.add('web', { config: foreign })).status, 0)
    t.strictSame(asked[0], { verb: 'DEL', id: 'dead', ifname: 'eth5' })
  },
)

/** Attaches by the engine itself, with leases that answer so. */
async function attachWith(vm: FakeVm, leased: Leased) {
  let released = 0
  const leases = {
    name: 'test',
    acquire: async () => leased,
    release: async () => void released++,
  }
  const settings = {
    master: undefined,
    bridge: 'azure0',
    bridgeLifetime: 'pods',
    masquerade: false,
    spoofGuard: true,
    strictHost: false,
  } as const
  const sandbox = vm.sandbox('web')
  const container = { owner: ownerOf('web'), sandbox, sandboxPath: '/run/netns/web' }
  const attaching = vm.withEngine((engine) =>
    attach(engine, { ...container, mode: 'bridge', settings, leases }),
  )
  const outcome = await attaching.then(
    (done) => ({ done, error: undefined }),
    (error: unknown) => ({ done: undefined, error }),
  )
  return { ...outcome, released }
}

const lease = (address: string, gateway = '10.0.0.1') => ({
  address,
  gateway,
  pool: '10.0.0.0/24',
  nic: '',
})

t.test('leases that no pod can be made of', async (t) => {
  const bad: [Leased['addresses'], RegExp][] = [
    [[], /no address/],
    [[lease('10.0.0.5')], /"10\.0\.0\.5"/],
    [[lease('nonsense')], /"nonsense"/],
    [[lease('fd00::5/64', 'fd00::1')], /IPv6 address fd00::5/],
    [[lease('10.0.0.5/24', 'x')], /gateway x/],
    [[lease('10.0.0.5/24'), lease('fd00::5/64', 'fd00::1')], /IPv6 address/],
  ]
  for (const [addresses, msg] of bad) {
    const vm = new FakeVm()
    const before = vm.picture()
    const { error, released } = await attachWith(vm, { addresses, dns: undefined })
    t.match(error, { code: 106, msg })
    t.equal(released, 1, 'they are given back')
    t.strictSame(vm.picture(), before)
    t.strictSame(vm.recorded(), {})
  }
})

t.test('several addresses of one family', async (t) => {
  const vm = new FakeVm()
  const addresses = [lease('10.0.0.5/24'), lease('10.0.0.6/24')]
  const { done } = await attachWith(vm, { addresses, dns: undefined })
  t.match(done, {
    hostLinks: [{ name: 'azure0' }, { name: /^azv/ }],
    mac: '0a:58:0a:00:00:05',
    addresses,
  })
  const inside = vm.sandbox('web').sync
  t.strictSame(
    inside.address.dump().map(({ address }) => address),
    ['10.0.0.5/24', '10.0.0.6/24'],
  )
  t.match(
    vm.host.sync.neighbour.dump().map(({ address }) => address),
    ['10.0.0.5', '10.0.0.6'],
  )
  await vm.del('web')
  t.strictSame(vm.host.sync.neighbour.dump(), [])
})

t.test('a host that nothing can be attached to', async (t) => {
  const vm = new FakeVm({ nics: [] })
  const { error } = await attachWith(vm, {
    addresses: [lease('10.0.0.5/24')],
    dns: undefined,
  })
  t.match(error, { code: 108, msg: /no interface of the host carries.*10\.0\.0\.5/ })
})

t.test('errors of address management get their codes', async (t) => {
  const acquire = (vm: FakeVm, settings: object, members: Partial<Host> = {}) =>
    vm.withEngine(
      ({ host, log, kernel }) => {
        const service = new AddressService(host, log)
        const all = {
          environment: 'azure' as const,
          queryIntervalSeconds: 10,
          subnet: undefined,
          address: undefined,
          ...settings,
        }
        return service.acquire(ownerOf('web'), all, readNics(kernel))
      },
      (host) => changed(host, members),
    )
  await t.rejects(acquire(new FakeVm(), { subnet: 'x' }), { code: 7 })
  await t.rejects(acquire(new FakeVm(), { address: '10.0.0.99' }), { code: 106 })
  await t.rejects(acquire(new FakeVm({ nics: [] }), {}), { code: 100 })
  // A folder that cannot be made: it is below a file.
  await t.rejects(acquire(new FakeVm(), {}, { stateDir: '/proc/self/stat/x' }), {
    code: 107,
  })
  const late = async () => {
    throw new LockTimeoutError('/run/x.lock', 'pid 7', 10)
  }
  await t.rejects(acquire(new FakeVm(), {}, { lock: late }), { code: 11, msg: /pid 7/ })
  const odd = new FakeVm()
  odd.http = () => Promise.reject(new RangeError('odd'))
  await t.rejects(acquire(odd, {}), { name: 'RangeError' }, 'others stay what they are')
})

t.test('giving back without a state that can be read', async (t) => {
  const vm = new FakeVm()
  const release = vm.withEngine(
    ({ host, log }) => new AddressService(host, log).release(ownerOf('web')),
    (host) => changed(host, { stateDir: '/proc/self/stat/x' }),
  )
  await t.rejects(release, { code: 107, msg: /ENOTDIR/ })
})

t.test('the lease of an owner', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  await vm.withEngine(async ({ host, log }) => {
    const service = new AddressService(host, log)
    t.match(service.find(ownerOf('web')), [{ address: '10.0.0.5/24', pool: NIC.prefix }])
    t.strictSame(service.find(ownerOf('db')), [])
    t.match(await service.release(ownerOf('web')), [{ address: '10.0.0.5/24' }])
  })
})

t.test('an address in CNI_ARGS that the mode does not carry', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  for (const wanted of ['fd00::5', 'FD00::5', '::ffff:10.0.0.5', 'fd00::5/64']) {
    t.match(
      (await vm.add('web', { env: { CNI_ARGS: `IP=${wanted}` } })).json,
      { code: 4, msg: /^CNI_ARGS: IP: .*mode bridge carries IPv4 alone/ },
      wanted,
    )
  }
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] })
  t.match((await vm.add('web', { env: { CNI_ARGS: 'IP=10.0.0.6' } })).json, {
    ips: [{ address: '10.0.0.6/24' }],
  })
})
