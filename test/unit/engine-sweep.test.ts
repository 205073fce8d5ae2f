/** Cleaning up what dead calls left, and leaving alone what runs. */
import t from 'tap'
import type { CallId } from '../../dist/esm/host/process-id.js'
import { dyingCall } from '../helpers/crash.js'
import { CONFIG, FakeVm, NIC, ownerOf } from '../helpers/fake-vm.js'

/** A process that is no more. */
const DEAD: CallId = { pid: 2 ** 22 + 1, start: '1', call: 1 }

/** Puts a record of an ADD under way into the state. */
function recordAdding(vm: FakeVm, id: string, adder: CallId, network = CONFIG.name) {
  return vm.withEngine(({ store }) =>
    store.update((state) => {
      const owner = ownerOf(id, network)
      state.attachments[`${network}/${id}/eth0`] = { phase: 'adding', owner, adder }
    }),
  )
}

t.test('an ADD of a process that died, and of a call that was ended', async (t) => {
  const vm = new FakeVm()
  await recordAdding(vm, 'dead', DEAD)
  await vm.withEngine(({ host }) => recordAdding(vm, 'ended', host.self))
  t.equal((await vm.add('web')).status, 0)
  t.strictSame(vm.recorded(), { web: 'ready' })
  const told = vm.logLines().filter(({ msg }) => /left over/.test(msg))
  t.strictSame(
    told.map(({ owner }) => owner.containerId),
    ['dead', 'ended'],
  )
})

t.test('an ADD that runs is left alone, in this process or another', async (t) => {
  const vm = new FakeVm()
  const own = vm.calls.begin()
  // The parent of this process runs; when it began is not known.
  const other: CallId = { pid: process.ppid, start: '', call: 7 }
  await recordAdding(vm, 'own', own)
  await recordAdding(vm, 'other', other)
  t.equal((await vm.add('web')).status, 0)
  t.equal((await vm.del('web')).status, 0)
  t.strictSame(vm.recorded(), { own: 'adding', other: 'adding' })
  t.ok(vm.links().includes('azure0'), 'and the bridge waits for it')
  t.match((await vm.add('other')).json, {
    code: 11,
    msg: `CNI_CONTAINERID: process ${process.ppid} is adding eth0 of this container`,
  })
  vm.calls.end(own)
  t.equal((await vm.add('own')).status, 0)
})

t.test('networks of others are theirs to clean up', async (t) => {
  const vm = new FakeVm()
  await recordAdding(vm, 'dead', DEAD, 'other')
  await vm.add('web')
  t.strictSame(vm.recorded(), { dead: 'adding', web: 'ready' })
})

t.test('the last free address was that of a dead ADD', async (t) => {
  const vm = new FakeVm({ nics: [{ ...NIC, secondaries: ['10.0.0.5'] }] })
  vm.sandbox('dead')
  const { host, died } = dyingCall({ lock: 5, when: 'before' })
  void vm.add('dead', { host })
  await died
  t.strictSame(vm.leased(), ['10.0.0.5/24'])
  t.match((await vm.add('web')).json, { ips: [{ address: '10.0.0.5/24' }] })
  t.strictSame(vm.recorded(), { web: 'ready' })
})

t.test('a cleaning-up that fails keeps nobody from the network', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  await recordAdding(vm, 'dead', DEAD)
  vm.kernel.failOn('link.del', 'EPERM')
  t.equal((await vm.add('db')).status, 0)
  t.match(
    vm.logLines().find(({ level }) => level === 'error'),
    { msg: 'cleaning up failed', owner: { containerId: 'dead' }, error: /EPERM/ },
  )
  t.match(vm.recorded(), { dead: 'adding' })
  vm.kernel.reset()
  await vm.del('db')
  t.strictSame(vm.recorded(), { web: 'ready' }, 'the next call does it')
})

t.test('an ADD that seemed dead and ended well keeps what it has', async (t) => {
  const vm = new FakeVm()
  await recordAdding(vm, 'late', DEAD)
  await vm.add('web')
  await vm.del('web')
  await recordAdding(vm, 'late', DEAD)
  let isFirst = true
  vm.sandbox('late')
  const { status } = await vm.add('web', {
    host: (host) => {
      const lock = host.lock
      return Object.create(host, {
        lock: {
          value: async (path: string, options: Parameters<typeof lock>[1]) => {
            // Between the reading of the record and the lock it becomes a finished one.
            if (isFirst) {
              isFirst = false
              await vm.add('late')
            }
            return lock(path, options)
          },
        },
      }) as typeof host
    },
  })
  t.equal(status, 0)
  t.strictSame(vm.recorded(), { late: 'ready', web: 'ready' })
  t.equal(vm.leased().length, 2)
})

t.test('the same container: what a dead ADD made of it goes first', async (t) => {
  const vm = new FakeVm()
  vm.sandbox('web')
  // The death comes after the kernel's part: the container has its interface.
  const { host, died } = dyingCall({ lock: 5, when: 'before' })
  void vm.add('web', { host })
  await died
  t.equal(vm.recorded()['web'], 'adding')
  t.ok(
    vm
      .sandbox('web')
      .sync.link.dump()
      .some(({ name }) => name === 'eth0'),
  )
  t.equal((await vm.add('web')).status, 0)
  t.equal(vm.leased().length, 1)
})

t.test('an interface that is not of a dead ADD stays', async (t) => {
  const vm = new FakeVm()
  await recordAdding(vm, 'web', DEAD)
  vm.sandbox('web').sync.link.add({ kind: 'dummy', name: 'eth0' })
  t.match((await vm.add('web')).json, { code: 104 })
  t.strictSame(vm.recorded(), {}, 'the record of the dead one is gone all the same')
})

t.test(
  'DEL while another call has the owner in hand leaves the record to it',
  async (t) => {
    const vm = new FakeVm()
    const sweeper = vm.calls.begin()
    await recordAdding(vm, 'web', sweeper)
    t.equal((await vm.del('web')).status, 0, 'DEL repeats')
    t.strictSame(vm.recorded(), { web: 'adding' })
    t.match(
      (await vm.add('web')).json,
      { code: 11 },
      'what it takes back is no new pod’s',
    )
    vm.calls.end(sweeper)
    t.equal((await vm.add('web')).status, 0)
    t.equal((await vm.del('web')).status, 0)
    t.strictSame(vm.recorded(), {})
  },
)
