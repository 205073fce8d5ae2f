/** DEL by the real door: from the record, from the kernel alone, from nothing; and repeated. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { dyingCall, breakWrites, changed } from '../helpers/crash.js'
import { CONFIG, FakeVm } from '../helpers/fake-vm.js'

const EMPTY = { networks: {}, attachments: {}, leases: [] }
const lasting = { ...CONFIG, bridgeLifetime: 'node' }

t.test('DEL repeats, and needs nothing', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  t.match(await vm.del('web'), { status: 0, json: {} }, 'there never was an ADD')
  t.strictSame(vm.picture(), before)
  await vm.add('web')
  for (let n = 0; n < 3; n++) t.equal((await vm.del('web')).status, 0)
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.records(), EMPTY)
})

t.test('a configuration that ADD would refuse still deletes', async (t) => {
  const bad: Record<string, unknown>[] = [
    { mode: 'transparent' },
    { master: 'nope' },
    { bridge: 'a/b' },
    { bridge: 7 },
    { bridgeLifetime: 'ever' },
    { masquerade: 'yes' },
    { dns: { nameservers: ['x'] } },
    { ipam: undefined },
    { ipam: { type: '' } },
    { multiTenancy: true },
    { logLevel: 7 },
  ]
  for (const one of bad) {
    const vm = new FakeVm()
    const before = vm.picture()
    await vm.add('web')
    const { status } = await vm.del('web', { config: { ...CONFIG, ...one } })
    t.equal(status, 0, JSON.stringify(one))
    t.strictSame(vm.picture(), before, JSON.stringify(one))
    t.strictSame(vm.records(), EMPTY, JSON.stringify(one))
  }
})

t.test("without a record the kernel knows what is the pod's", async (t) => {
  const vm = new FakeVm()
  for (const id of ['web', 'db']) await vm.add(id, { config: lasting })
  vm.lose('azure-vnet.json')
  t.equal((await vm.del('web', { config: lasting })).status, 0)
  const left = JSON.stringify(vm.picture())
  t.notMatch(left, /10\.0\.0\.5[^0-9]/, 'nothing of its address is left')
  t.match(left, /10\.0\.0\.6/, "the other pod's is")
  t.strictSame(vm.leased(), ['10.0.0.6/24'])
  t.equal(vm.links().filter((name) => name.startsWith('azv')).length, 1)
})

t.test('without a record of the bridge that has a name of its own', async (t) => {
  const vm = new FakeVm()
  const { bridge: _, ...config } = CONFIG
  await vm.add('web', { config })
  vm.lose('azure-vnet.json')
  t.equal((await vm.del('web', { config })).status, 0)
  t.strictSame(vm.host.sync.neighbour.dump(), [])
  t.strictSame(vm.leased(), [])
})

t.test('a state file that is damaged is put aside', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  writeFileSync(vm.file('azure-vnet.json'), '{"version": 2, "data"')
  t.equal((await vm.del('web')).status, 0)
  t.strictSame(vm.leased(), [])
  t.notOk(vm.links().some((name) => name.startsWith('azv')))
  t.ok(vm.files().includes('azure-vnet.json.bad'))
  t.ok(
    vm.logLines().some(({ level, msg }) => level === 'warn' && /is not JSON/.test(msg)),
  )
})

t.test('what somebody took away already counts as done', async (t) => {
  const accidents: [string, (vm: FakeVm) => void][] = [
    ["the pod's namespace", (vm) => vm.sandbox('web').sync.link.del('eth0')],
    ['the bridge', (vm) => vm.host.sync.link.del('azure0')],
    ['the ruleset', (vm) => vm.flushRuleset()],
  ]
  for (const [what, happen] of accidents) {
    const vm = new FakeVm()
    const before = vm.picture()
    await vm.add('web')
    happen(vm)
    t.match(await vm.del('web'), { status: 0 }, what)
    t.strictSame(vm.picture(), before, `${what}: the host is as it was`)
    t.strictSame(vm.records(), EMPTY, what)
  }
})

t.test('a bridge that somebody else made stays', async (t) => {
  const vm = new FakeVm()
  vm.host.sync.link.add({ kind: 'bridge', name: 'azure0', up: true })
  await vm.add('web')
  t.match(vm.records(), { networks: { azure0: { made: false } } })
  await vm.del('web')
  t.ok(vm.links().includes('azure0'))
  t.notMatch(JSON.stringify(vm.picture()), /azure_vnet_/, 'less our tables')
  t.strictSame(vm.records(), EMPTY)
})

t.test('a state that cannot be written: the record stays', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  await vm.add('web')
  const { mend } = breakWrites(vm.file('azure-vnet.json'))
  const { status, json } = await vm.del('web')
  t.equal(status, 1)
  t.match(json, { msg: /cannot write .*azure-vnet\.json/ })
  t.match(vm.recorded(), { web: 'ready' })
  mend()
  t.equal((await vm.del('web')).status, 0)
  t.strictSame(vm.picture(), before)
})

t.test('ADD that cannot write its state, at any moment', async (t) => {
  for (const name of ['azure-vnet.json', 'ipam.json']) {
    let failures = 0
    for (let allowed = 0; ; allowed++) {
      const vm = new FakeVm()
      const before = vm.picture()
      let count = 0
      let broken: { mend: () => void } | undefined
      const { status, json } = await vm.add('web', {
        host: (host) =>
          changed(host, {
            lock: async (path, options) => {
              const held = await host.lock(path, options)
              // One write fails: what undoes the ADD can write again.
              if (path.endsWith(`${name}.lock`) && count++ === allowed) {
                broken = breakWrites(vm.file(name))
              }
              return {
                release: () => {
                  broken?.mend()
                  broken = undefined
                  held.release()
                },
              }
            },
          }),
      })
      if (count <= allowed) break
      const at = `${name}, write ${allowed}`
      // Under some locks nothing is written: no failure then.
      if (status === 0) continue
      failures++
      t.match(json, { code: /107|999/, msg: /cannot write/ }, at)
      t.strictSame(vm.picture(), before, `${at}: the host is as before`)
      t.strictSame(
        vm.pictureOf('web'),
        new FakeVm().pictureOf('web'),
        `${at}: and the pod`,
      )
      t.strictSame(vm.records(), EMPTY, at)
    }
    t.equal(failures, name === 'ipam.json' ? 1 : 4, `${name}: that many moments`)
  }
})

t.test('a state folder that cannot be made', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const env = { VNET_CNI_STATE_DIR: '/proc/self/stat/x' }
  t.match((await vm.add('web', { env })).json, { msg: /ENOTDIR/ })
  t.strictSame(vm.picture(), before)
  rmSync(vm.file('.'), { recursive: true })
  mkdirSync(vm.file('.'))
  t.equal((await vm.add('web')).status, 0)
})

t.test('two DELs at once', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  await vm.add('web')
  const answers = await Promise.all([vm.del('web'), vm.del('web')])
  t.strictSame(
    answers.map(({ status }) => status),
    [0, 0],
  )
  t.strictSame(vm.picture(), before)
})

t.test('DEL sweeps what a dead ADD left', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  vm.sandbox('dead')
  const { host, died } = dyingCall({ lock: 2, when: 'before' })
  void vm.add('dead', { host })
  await died
  t.match(vm.recorded(), { web: 'ready', dead: 'adding' })
  t.equal((await vm.del('web')).status, 0)
  t.strictSame(vm.records(), EMPTY)
  t.match(vm.links(), ['lo', 'eth0'])
})
