/** Each step of the kernel is refused in turn: ADD leaves the host as it was, DEL can be repeated. */
import t from 'tap'
import { CONFIG, FakeVm, type Config } from '../helpers/fake-vm.js'

interface Case {
  readonly name: string
  readonly verb: 'ADD' | 'DEL'
  readonly config?: Config
  /** Makes what the call under test finds. */
  readonly before?: (vm: FakeVm) => Promise<unknown>
  /** An address that the host gets back comes behind its others of the prefix, where nothing goes by order. */
  readonly anyOrder?: true
}

const masquerade = { ...CONFIG, masquerade: true }
const lasting = { ...CONFIG, bridgeLifetime: 'node' }
const taking = { ...CONFIG, ipam: { type: 'azure-vnet-ipam', hostAddresses: 'take' } }

const cases: readonly Case[] = [
  { name: 'ADD of the first pod', verb: 'ADD' },
  { name: 'ADD of the first pod, bridge stays', verb: 'ADD', config: lasting },
  { name: 'ADD of the first pod, masqueraded', verb: 'ADD', config: masquerade },
  { name: 'ADD of the second pod', verb: 'ADD', before: (vm) => vm.add('other') },
  {
    name: 'ADD to a bridge without pods',
    verb: 'ADD',
    config: lasting,
    before: async (vm) => {
      await vm.add('other', { config: lasting })
      await vm.del('other', { config: lasting })
    },
  },
  {
    name: 'ADD with another setting of SNAT',
    verb: 'ADD',
    config: masquerade,
    before: (vm) => vm.add('other'),
  },
  {
    name: 'ADD without the SNAT of others',
    verb: 'ADD',
    before: (vm) => vm.add('other', { config: masquerade }),
  },
  {
    name: 'ADD with another lifetime, to a bridge without pods',
    verb: 'ADD',
    before: async (vm) => {
      await vm.add('other', { config: lasting })
      await vm.del('other', { config: lasting })
    },
  },
  {
    name: 'ADD of the first pod, with an address of the host',
    anyOrder: true,
    verb: 'ADD',
    config: taking,
    before: async (vm) => vm.hold('10.0.0.5', '10.0.0.6'),
  },
  {
    name: 'ADD of the second pod, with an address of the host',
    anyOrder: true,
    verb: 'ADD',
    config: taking,
    before: async (vm) => {
      vm.hold('10.0.0.5', '10.0.0.6')
      await vm.add('other', { config: taking })
    },
  },
  {
    name: 'DEL of the last pod, whose address the host gets back',
    verb: 'DEL',
    config: taking,
    before: async (vm) => {
      vm.hold('10.0.0.5', '10.0.0.6')
      await vm.add('web', { config: taking })
    },
  },
  { name: 'DEL of the last pod', verb: 'DEL', before: (vm) => vm.add('web') },
  {
    name: 'DEL of the last pod, masqueraded, with ports',
    verb: 'DEL',
    config: masquerade,
    before: async (vm) => {
      const { json } = await vm.add('web', { config: masquerade })
      await vm.addPorts('web', json, 8080)
    },
  },
  {
    name: 'DEL of one of two pods',
    verb: 'DEL',
    before: async (vm) => {
      await vm.add('other')
      await vm.add('web')
    },
  },
]

/** The operations of the call in order, and for each which one of its kind it is. */
async function stepsOf(one: Case): Promise<{ op: string; after: number }[]> {
  const vm = await prepared(one)
  const { status, json } = await call(vm, one)
  if (status !== 0) throw new Error(`the call fails by itself: ${json['msg']}`)
  const seen = new Map<string, number>()
  return vm.kernel.steps.map(({ op }) => {
    const after = seen.get(op) ?? 0
    seen.set(op, after + 1)
    return { op, after }
  })
}

async function prepared({ before }: Case): Promise<FakeVm> {
  const vm = new FakeVm()
  await before?.(vm)
  vm.kernel.reset()
  return vm
}

function call(vm: FakeVm, { verb, config = CONFIG }: Case) {
  return verb === 'ADD' ? vm.add('web', { config }) : vm.del('web', { config })
}

function injected(json: Record<string, any>): boolean {
  return json['code'] === 103 && JSON.stringify(json).includes('not this time')
}

/** What refusing one step shows: the call's answer, and whether all is as it should be. */
async function refuse(one: Case, { op, after }: { op: string; after: number }) {
  const vm = await prepared(one)
  const before = [vm.picture(), vm.records(), vm.pictureOf('web')]
  vm.kernel.failOn(op, 'EPERM', { after, extAck: 'not this time' })
  const { status: first, json } = await call(vm, one)
  const left = [vm.picture(), vm.records(), vm.pictureOf('web')]
  const passedOver = first === 0 && isNamed(vm)
  if (passedOver)
    return { passedOver, json, before, left: before, again: { status: 0, ...facts(vm) } }
  vm.kernel.reset()
  const { status } = await call(vm, one)
  return { passedOver, json, before, left, again: { status, ...facts(vm) } }
}

// That the firewall cannot be looked at keeps no container from its network; the log has it.
function isNamed(vm: FakeVm): boolean {
  const lines = vm.logLines().filter(({ level }) => level === 'error')
  return lines.some(
    ({ msg, error }) =>
      msg === 'the firewall cannot be looked at' &&
      String(error).includes('not this time'),
  )
}

for (const one of cases) {
  t.test(one.name, async (t) => {
    const steps = await stepsOf(one)
    const vm = await prepared(one)
    const { status } = await call(vm, one)
    const done = { status, ...facts(vm) }
    for (const [k, step] of steps.entries()) {
      const at = `step ${k}, ${step.op}`
      const { passedOver, json, before, left, again } = await refuse(one, step)
      t.ok(passedOver || injected(json), `${at}: the kernel's words`)
      const [now, then] = [left, before].map((all) =>
        one.anyOrder ? unordered(all) : all,
      )
      if (one.verb === 'ADD') t.strictSame(now, then, `${at}: nothing is left`)
      t.strictSame(again, done, `${at}: the next call does it`)
    }
  })
}

function unordered([host, ...rest]: object[]): object[] {
  const { addresses } = host as { addresses: object[] }
  const byText = addresses.map((one) => JSON.stringify(one)).sort()
  return [{ ...host, addresses: byText }, ...rest]
}

/** What a call leaves, less which address: one that was given back rests for a while. */
function facts(vm: FakeVm): object {
  return { links: vm.links(), records: vm.recorded(), leases: vm.leased().length }
}
