/** Host ports as a part of the attachment's record. */
import t from 'tap'
import { mapPorts, restorePorts, unmapPorts } from '../../dist/esm/engine/ports.js'
import { portBackend } from '../../dist/esm/portmap/backend.js'
import { breakWrites } from '../helpers/crash.js'
import { FakeVm, ownerOf } from '../helpers/fake-vm.js'

const ports = (hostPort: number) => ({
  pod: '10.0.0.5',
  mappings: [{ protocol: 'tcp', hostPort, containerPort: 80 }] as const,
  snat: true,
})

const holders = async (vm: FakeVm) => (await portBackend()).holders(vm.host)
const restored = (vm: FakeVm) =>
  vm.withEngine((engine) => restorePorts(engine, engine.store.read()))

/** A VM whose pod has port 8080 by the door. */
async function published() {
  const vm = new FakeVm()
  const before = vm.picture()
  const { json } = await vm.add('web')
  const answer = await vm.addPorts('web', json, 8080)
  return { vm, before, answer }
}

t.test('ports are on the record of the pod, and go with it', async (t) => {
  const { vm, before, answer } = await published()
  t.equal(answer.status, 0)
  t.match(vm.records(), {
    attachments: {
      'azure/web/eth0': { mode: 'bridge', ports: { mappings: [{ hostPort: 8080 }] } },
    },
  })
  t.strictSame(await holders(vm), ['azure/web/eth0'])
  t.equal((await vm.del('web')).status, 0, 'the main plug-in alone takes them away')
  t.strictSame(await holders(vm), [])
  t.strictSame(vm.picture(), before)
})

t.test('a flushed ruleset: the next ADD brings pods and ports back', async (t) => {
  const { vm } = await published()
  vm.flushRuleset()
  t.strictSame(await holders(vm), [])
  t.equal((await vm.add('db')).status, 0)
  t.strictSame(await holders(vm), ['azure/web/eth0'])
  t.match(
    vm.logLines().find(({ msg }) => /host ports were gone/.test(msg)),
    { level: 'warn', owners: ['azure/web/eth0'] },
  )
})

t.test('their table alone is gone', async (t) => {
  const { vm } = await published()
  const before = vm.picture()
  await (await portBackend()).remove(vm.host, 'azure/web/eth0')
  t.equal((await vm.add('db')).status, 0)
  t.strictSame(await holders(vm), ['azure/web/eth0'])
  await vm.del('db')
  t.strictSame(vm.picture(), before)
})

t.test('where nothing is missing nothing happens', async (t) => {
  const { vm } = await published()
  const before = vm.picture()
  t.strictSame(await restored(vm), [])
  t.strictSame(vm.picture(), before)
  t.strictSame(await restored(new FakeVm()), [])
  t.strictSame(vm.said, [])
})

t.test(
  'a port that another took meanwhile is lost, and the log says to whom',
  async (t) => {
    const { vm } = await published()
    vm.flushRuleset()
    await (await portBackend()).add(vm.host, 'other/thief/eth0', ports(8080))
    t.strictSame(await restored(vm), [])
    t.match(vm.said, [
      { level: 'error', fields: { tag: 'azure/web/eth0', holder: 'other/thief/eth0' } },
    ])
  },
)

t.test(
  'who gives ports back while they are restored does not get them again',
  async (t) => {
    const { vm } = await published()
    vm.flushRuleset()
    const { read, late } = await vm.withEngine(async (engine) => {
      const state = engine.store.read()
      await unmapPorts(engine, ownerOf('web'))
      return { read: state, late: await restorePorts(engine, state) }
    })
    t.match(read.attachments, { 'azure/web/eth0': { ports: {} } })
    t.strictSame(late, [])
    t.strictSame(await holders(vm), [])
  },
)

t.test('a pod of another main plug-in gets a record for its ports alone', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const owner = ownerOf('foreign')
  await vm.withEngine((engine) => mapPorts(engine, owner, ports(8080)))
  t.strictSame(vm.records(), {
    networks: {},
    attachments: {
      'azure/foreign/eth0': {
        phase: 'ready',
        owner,
        addresses: [],
        links: {},
        ports: ports(8080),
      },
    },
    leases: [],
  })
  vm.flushRuleset()
  t.strictSame(await restored(vm), ['azure/foreign/eth0'])
  await vm.withEngine((engine) => unmapPorts(engine, owner))
  t.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] })
  t.strictSame(vm.picture(), before)
  await vm.withEngine((engine) => unmapPorts(engine, owner))
  t.strictSame(vm.picture(), before, 'it repeats')
})

t.test('such a record is no reason to keep a bridge', async (t) => {
  const vm = new FakeVm()
  await vm.withEngine((engine) => mapPorts(engine, ownerOf('foreign'), ports(9090)))
  await vm.add('web')
  await vm.del('web')
  t.strictSame(vm.links(), ['lo', 'eth0'])
  t.strictSame(await holders(vm), ['azure/foreign/eth0'])
})

t.test('ports without a record are given back too', async (t) => {
  const { vm } = await published()
  vm.lose('azure-vnet.json')
  await vm.withEngine((engine) => unmapPorts(engine, ownerOf('web')))
  t.strictSame(await holders(vm), [])
})

t.test("a port that is taken leaves nothing of the other's", async (t) => {
  const { vm } = await published()
  const { json } = await vm.add('db')
  const before = [vm.picture(), vm.records()]
  const refused = await vm.addPorts('db', json, 8080)
  t.match(refused.json, { code: 102, msg: /8080.*azure\/web\/eth0/ })
  t.strictSame([vm.picture(), vm.records()], before)
  const foreign = vm.withEngine((engine) =>
    mapPorts(engine, ownerOf('foreign'), ports(8080)),
  )
  await t.rejects(foreign, { code: 102 })
  t.strictSame([vm.picture(), vm.records()], before)
})

t.test('a record that cannot be written takes no port', async (t) => {
  const vm = new FakeVm()
  const { json } = await vm.add('web')
  const { mend } = breakWrites(vm.file('azure-vnet.json'))
  t.equal((await vm.addPorts('web', json, 8080)).status, 1)
  t.strictSame(await holders(vm), [])
  mend()
  t.equal((await vm.addPorts('web', json, 8080)).status, 0)
})

t.test('a step that is refused leaves neither port nor record', async (t) => {
  const vm = new FakeVm()
  const { json } = await vm.add('web')
  const before = [vm.picture(), vm.records()]
  vm.kernel.failOn('nft.batch', 'EPERM')
  t.match((await vm.addPorts('web', json, 8080)).json, { code: 103 })
  t.strictSame([vm.picture(), vm.records()], before)
  t.equal((await vm.addPorts('web', json, 8080)).status, 0)
})
