/** GC's use case: attachments that are not valid go, whatever there is of them; no others do. */
import t from 'tap'
import { ownerTag } from '../../dist/esm/cni/spec/owner.js'
import { gc, type Collected, type GcRequest } from '../../dist/esm/engine/gc.js'
import { AddressService } from '../../dist/esm/engine/leases.js'
import { portBackend } from '../../dist/esm/portmap/backend.js'
import { dyingCall } from '../helpers/crash.js'
import { CONFIG, FakeVm, ownerOf } from '../helpers/fake-vm.js'

const lasting = { ...CONFIG, bridgeLifetime: 'node' }

function collect(
  vm: FakeVm,
  valid: readonly string[],
  more: Partial<GcRequest> = {},
): Promise<Collected> {
  return vm.withEngine((engine) => {
    const service = new AddressService(engine.host, vm.log)
    return gc(engine, {
      network: 'azure',
      valid: valid.map((containerId) => ({ containerId, ifname: 'eth0' })),
      leaseholders: () => service.snapshot().leases.map(({ owner }) => owner),
      leases: async () => ({
        release: async (owner) => void (await service.release(owner)),
      }),
      ...more,
    })
  })
}

const tags = ({ removed }: Collected) => removed.map(ownerTag).sort()

t.test('those that are not valid go, the others stay as they are', async (t) => {
  const vm = new FakeVm()
  const { json } = await vm.add('web', { config: lasting })
  await vm.addPorts('web', json, 8080)
  const before = vm.picture()
  for (const id of ['db', 'job']) {
    await vm.addPorts(
      id,
      (await vm.add(id, { config: lasting })).json,
      id === 'db' ? 1 : 2,
    )
  }
  const done = await collect(vm, ['web'])
  t.strictSame(tags(done), ['azure/db/eth0', 'azure/job/eth0'])
  t.strictSame(done.failures, [])
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.recorded(), { web: 'ready' })
  t.strictSame(vm.leased(), ['10.0.0.5/24'])
  t.strictSame(await (await portBackend()).holders(vm.host), ['azure/web/eth0'])
  t.strictSame(tags(await collect(vm, ['web'])), [], 'it repeats')
})

t.test('with nobody valid nothing is left', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  for (const id of ['web', 'db']) await vm.add(id)
  t.strictSame(tags(await collect(vm, [])), ['azure/db/eth0', 'azure/web/eth0'])
  t.strictSame(vm.picture(), before, 'the host has its NIC back')
  t.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] })
})

t.test('a valid one whose tag is too long to be whole stays', async (t) => {
  const vm = new FakeVm()
  const id = 'c'.repeat(200)
  const { json } = await vm.add(id, { config: lasting })
  await vm.addPorts(id, json, 8080)
  const before = [vm.picture(), vm.records()]
  t.strictSame(tags(await collect(vm, [id])), [])
  t.strictSame([vm.picture(), vm.records()], before)
  t.strictSame(tags(await collect(vm, [])), [ownerTag(ownerOf(id))])
})

t.test('attachments of other networks are not looked at', async (t) => {
  const vm = new FakeVm()
  await vm.add('web', { config: lasting })
  await vm.add('other', { config: { ...lasting, name: 'azure2' } })
  t.strictSame(tags(await collect(vm, [])), ['azure/web/eth0'])
  t.strictSame(vm.recorded(), { other: 'ready' })
  t.equal((await collect(vm, [], { network: 'az' })).removed.length, 0)
})

t.test('another interface of a valid container is another attachment', async (t) => {
  const vm = new FakeVm()
  await vm.add('web', { config: lasting })
  await vm.add('web', { config: lasting, env: { CNI_IFNAME: 'eth1' } })
  t.strictSame(tags(await collect(vm, ['web'])), ['azure/web/eth1'])
})

t.test('without records: leases, the kernel and ports tell', async (t) => {
  const vm = new FakeVm()
  for (const id of ['web', 'db']) {
    await vm.addPorts(
      id,
      (await vm.add(id, { config: lasting })).json,
      id === 'db' ? 1 : 2,
    )
  }
  vm.lose('azure-vnet.json')
  vm.lose('ipam.json')
  t.strictSame(tags(await collect(vm, ['web'])), ['azure/db/eth0'])
  t.strictSame(await (await portBackend()).holders(vm.host), ['azure/web/eth0'])
  const left = JSON.stringify(vm.picture())
  t.notMatch(left, /10\.0\.0\.6[^0-9]/)
  t.match(left, /10\.0\.0\.5[^0-9]/)
})

t.test('a lease alone', async (t) => {
  const vm = new FakeVm()
  await vm.withEngine((engine) =>
    new AddressService(engine.host, vm.log).acquire(
      ownerOf('ghost'),
      {
        environment: 'azure',
        queryIntervalSeconds: 10,
        subnet: undefined,
        address: undefined,
      },
      [{ name: 'eth0', index: 2, mac: vm.nics[0]!.mac }],
    ),
  )
  t.strictSame(vm.leased(), ['10.0.0.5/24'])
  t.strictSame(tags(await collect(vm, [])), ['azure/ghost/eth0'])
  t.strictSame(vm.leased(), [])
})

t.test('what a call that died left goes, what a running one does stays', async (t) => {
  const vm = new FakeVm()
  vm.sandbox('dead')
  const { host, died } = dyingCall({ lock: 5, when: 'before' })
  void vm.add('dead', { host, config: lasting })
  await died
  const adder = vm.calls.begin()
  await vm.withEngine(({ store }) =>
    store.update(({ attachments }) => {
      attachments['azure/running/eth0'] = {
        phase: 'adding',
        owner: ownerOf('running'),
        adder,
      }
    }),
  )
  t.strictSame(vm.recorded(), { dead: 'adding', running: 'adding' })
  t.strictSame(tags(await collect(vm, [])), ['azure/dead/eth0'])
  t.strictSame(vm.recorded(), { running: 'adding' })
  t.strictSame(vm.leased(), [])
})

t.test('a failure is told, and the others go all the same', async (t) => {
  const vm = new FakeVm()
  for (const id of ['web', 'db']) await vm.add(id, { config: lasting })
  const service = new Error('the IPAM plug-in is ill')
  const done = await collect(vm, [], {
    leases: async () => ({
      release: async ({ containerId }) => {
        if (containerId === 'web') throw service
      },
    }),
  })
  t.strictSame(tags(done), ['azure/db/eth0'])
  t.strictSame(
    done.failures.map(({ owner, error }) => [ownerTag(owner), error]),
    [['azure/web/eth0', service]],
  )
  t.strictSame(vm.recorded(), { web: 'ready' }, 'its record stays')
})
