/** A call dies at each lock that it takes: whatever call comes next, nothing is leaked. */
import t from 'tap'
import { dyingCall, lockCounter, type Moment } from '../helpers/crash.js'
import { CONFIG, FakeVm, type Config } from '../helpers/fake-vm.js'

interface Case {
  readonly name: string
  readonly verb: 'ADD' | 'DEL'
  readonly config?: Config
  readonly before?: (vm: FakeVm) => Promise<unknown>
  /** Addresses that the host's NIC has beside its own. */
  readonly held?: string[]
}

const masquerade = { ...CONFIG, masquerade: true }
const taking = { ...CONFIG, ipam: { type: 'azure-vnet-ipam', hostAddresses: 'take' } }

const cases: readonly Case[] = [
  { name: 'ADD of the first pod', verb: 'ADD' },
  { name: 'ADD of the second pod', verb: 'ADD', before: (vm) => vm.add('other') },
  {
    name: 'ADD with another setting of SNAT',
    verb: 'ADD',
    config: masquerade,
    before: (vm) => vm.add('other'),
  },
  {
    name: 'ADD of the first pod, with an address of the host',
    verb: 'ADD',
    config: taking,
    held: ['10.0.0.5', '10.0.0.6', '10.0.0.7'],
  },
  {
    name: 'DEL of the last pod, whose address the host gets back',
    verb: 'DEL',
    config: taking,
    held: ['10.0.0.5', '10.0.0.6', '10.0.0.7'],
    before: (vm) => vm.add('web', { config: taking }),
  },
  { name: 'DEL of the last pod', verb: 'DEL', before: (vm) => vm.add('web') },
  {
    name: 'DEL of one of two pods',
    verb: 'DEL',
    config: masquerade,
    before: async (vm) => {
      await vm.add('other', { config: masquerade })
      await vm.add('web', { config: masquerade })
    },
  },
]

/** What may come after the crash. */
const nexts = ['ADD of the same pod', 'DEL of it', 'ADD of another pod'] as const

function call(
  vm: FakeVm,
  { verb, config = CONFIG }: Case,
  host?: Parameters<FakeVm['add']>[1],
) {
  const options = { config, ...host }
  return verb === 'ADD' ? vm.add('web', options) : vm.del('web', options)
}

async function momentsOf(one: Case): Promise<Moment[]> {
  const vm = new FakeVm()
  vm.hold(...(one.held ?? []))
  await one.before?.(vm)
  const { host, taken } = lockCounter()
  await call(vm, one, { host })
  return Array.from({ length: taken() }, (_, lock) =>
    (['before', 'unwritten', 'after'] as const).map((when) => ({ lock, when })),
  ).flat()
}

/** The VM after the death of a call. */
async function crashed(one: Case, moment: Moment) {
  const vm = new FakeVm()
  vm.hold(...(one.held ?? []))
  const clean = vm.picture()
  await one.before?.(vm)
  const { host, died } = dyingCall(moment)
  void call(vm, one, { host })
  await died
  return { vm, clean }
}

/** The addresses that pods have, and that the bridge's table leads to: each once, the same. */
function addressesOf(vm: FakeVm) {
  const inside = [...vm.namespaces.values()].flatMap((pod) =>
    pod.sync.address.dump().map(({ address }) => address),
  )
  return { inside: inside.sort(), leased: vm.leased() }
}

function hasInterface(vm: FakeVm): boolean {
  return vm
    .sandbox('web')
    .sync.link.dump()
    .some(({ name }) => name === 'eth0')
}

async function tidyUp(vm: FakeVm, config: Config) {
  const statuses: number[] = []
  for (const id of ['web', 'other', 'third']) {
    statuses.push((await vm.del(id, { config })).status)
  }
  return statuses
}

for (const one of cases) {
  for (const next of nexts) {
    t.test(`${one.name} dies, then ${next}`, async (t) => {
      const { config = CONFIG } = one
      for (const moment of await momentsOf(one)) {
        const at = `lock ${moment.lock}, ${moment.when}`
        const { vm, clean } = await crashed(one, moment)
        // A call of DEL may have died before it did anything, or one of ADD after all was done.
        const isThere = hasInterface(vm)
        const isReady = vm.recorded()['web'] === 'ready'
        if (next === 'ADD of the same pod') {
          const { status, json } = await vm.add('web', { config })
          const expected = isThere && isReady ? 104 : 0
          t.equal(status && json['code'], expected, `${at}: ADD`)
        } else if (next === 'DEL of it') {
          t.equal((await vm.del('web', { config })).status, 0, `${at}: DEL`)
          t.notMatch(vm.recorded(), { web: /./ }, `${at}: no record`)
          t.notOk(hasInterface(vm), `${at}: no interface`)
        } else {
          t.equal((await vm.add('third', { config })).status, 0, `${at}: ADD of another`)
        }
        const { inside, leased } = addressesOf(vm)
        // A pod whose DEL has died keeps its lease with its record until DEL is repeated.
        const without = inside.filter((address) => !leased.includes(address))
        t.strictSame(without, [], `${at}: a lease for each address`)
        t.strictSame(vm.forgotten(), [], `${at}: no lease without a record`)
        t.equal(new Set(inside).size, inside.length, `${at}: no address twice`)
        t.strictSame(await tidyUp(vm, config), [0, 0, 0], `${at}: all go`)
        t.strictSame(vm.picture(), clean, `${at}: the host is as it was`)
        t.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] }, at)
      }
    })
  }
}
