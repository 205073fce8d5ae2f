/** STATUS's use case: whether containers can be attached, and whether those that are suffer. */
import t from 'tap'
import { AddressService } from '../../dist/esm/engine/leases.js'
import { status, type Problem, type StatusRequest } from '../../dist/esm/engine/status.js'
import { changed } from '../helpers/crash.js'
import { CONFIG, FakeVm, NIC, SECOND_NIC } from '../helpers/fake-vm.js'

function problems(vm: FakeVm, more: Partial<StatusRequest> = {}): Promise<Problem[]> {
  return vm.withEngine(
    (engine) => {
      const service = new AddressService(engine.host, vm.log)
      return status(engine, { pools: (nics) => service.snapshot(nics), ...more })
    },
    (host) =>
      changed(host, {
        lock: async () => t.fail('a lock is taken') as never,
        http: async () => t.fail('the source is asked') as never,
      }),
  )
}

t.test('nothing is wrong: before the first pod, and with pods', async (t) => {
  const vm = new FakeVm()
  t.strictSame(await problems(vm), [])
  await vm.add('web')
  const before = [vm.picture(), vm.records()]
  t.strictSame(await problems(vm), [])
  t.strictSame(await problems(vm, { master: 'eth0' }), [])
  t.strictSame([vm.picture(), vm.records()], before, 'nothing is changed')
})

t.test('no interface', async (t) => {
  const vm = new FakeVm()
  t.match(await problems(vm, { master: 'eth7' }), [
    { code: 50, message: 'master: the host has no interface eth7' },
  ])
  vm.host.sync.link.del('eth0')
  const found = await problems(vm)
  t.match(found, [{ code: 50, message: /no network interface/, cure: /ip link/ }])
})

t.test('a full pool, with its numbers', async (t) => {
  const vm = new FakeVm({ nics: [{ ...NIC, secondaries: ['10.0.0.5', '10.0.0.6'] }] })
  await vm.add('web')
  t.strictSame(await problems(vm), [])
  await vm.add('db')
  t.match(await problems(vm), [
    { code: 50, message: 'no address is free (10.0.0.0/24 on eth0: 2 of 2 in use)' },
  ])
  await vm.del('db')
  t.strictSame(await problems(vm), [], 'one that rests is free')
})

t.test('a pool of another NIC is none for the master', async (t) => {
  const nics = [
    { ...NIC, secondaries: ['10.0.0.5'] },
    { ...SECOND_NIC, secondaries: ['10.0.1.5'] },
  ]
  const vm = new FakeVm({ nics })
  await vm.add('web', { config: { ...CONFIG, master: 'eth0' } })
  t.match(await problems(vm, { master: 'eth0' }), [{ code: 50 }])
  t.strictSame(await problems(vm, { master: 'eth1' }), [])
  t.strictSame(await problems(vm), [])
})

t.test('the pools are another plug-in’s', async (t) => {
  const vm = new FakeVm()
  t.strictSame(await problems(vm, { pools: () => undefined }), [])
})

t.test('containers that are attached suffer', async (t) => {
  const accidents: ((vm: FakeVm) => void)[] = [
    (vm) => vm.host.sync.link.set('eth0', { master: 0 }),
    (vm) => vm.host.sync.link.del('azure0'),
    (vm) => vm.flushRuleset(),
  ]
  for (const happen of accidents) {
    const vm = new FakeVm()
    await vm.add('web')
    await vm.add('db')
    happen(vm)
    t.match(await problems(vm), [
      {
        code: 51,
        message:
          'host network azure0 over eth0 is not as it should be, and 2 containers are on it',
        cure: /vnet-cni repair/,
      },
    ])
  }
})

t.test('a damaged network without containers is for the next ADD to mend', async (t) => {
  const vm = new FakeVm()
  const config = { ...CONFIG, bridgeLifetime: 'node' }
  await vm.add('web', { config })
  await vm.del('web', { config })
  vm.flushRuleset()
  t.strictSame(await problems(vm), [])
})
