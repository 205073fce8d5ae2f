/** Many calls in one process: they do not wait for each other, and what one gave up the next mends. */
import { join } from 'node:path'
import t from 'tap'
import type { Host } from '../../dist/esm/host/host.js'
import { CONFIG, FakeVm } from '../helpers/fake-vm.js'

const FOREIGN = { ...CONFIG, ipam: { type: 'slow-ipam' } }
const ANSWER = {
  cniVersion: '0.3.1',
  ips: [{ version: '4', address: '10.0.0.77/24', gateway: '10.0.0.1' }],
}

/** A VM with an IPAM plug-in that gives its answer when the test says so. */
function slowVm() {
  const vm = new FakeVm()
  vm.program('slow-ipam')
  let open = () => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => (arrive = resolve))
  const verbs: string[] = []
  vm.exec = async ({ env }) => {
    const verb = String(env['CNI_COMMAND'])
    verbs.push(`${verb} ${env['CNI_CONTAINERID']}`)
    if (verb === 'ADD') {
      arrive()
      await gate
    }
    const stdout = verb === 'ADD' ? JSON.stringify(ANSWER) : ''
    return { status: 0, signal: null, stdout, stderr: '' }
  }
  return { vm, open: () => open(), arrived, verbs }
}

t.test('a foreign IPAM that takes its time keeps nobody waiting', async (t) => {
  const { vm, open, arrived } = slowVm()
  const before = vm.picture()
  const slow = vm.add('slow', { config: FOREIGN })
  await arrived
  const [a, b] = await Promise.all([vm.add('a'), vm.add('b')])
  t.strictSame([a.status, b.status], [0, 0])
  t.match(vm.recorded(), { slow: 'adding', a: 'ready', b: 'ready' })
  t.equal((await vm.del('a')).status, 0, 'nor a DEL')
  t.match(vm.recorded(), { slow: 'adding', b: 'ready' }, 'what runs is left alone')
  open()
  t.match(await slow, { status: 0, json: { ips: [{ address: '10.0.0.77/24' }] } })
  t.match(vm.recorded(), { slow: 'ready', b: 'ready' })
  const gone = await Promise.all([vm.del('slow', { config: FOREIGN }), vm.del('b')])
  t.strictSame(
    gone.map(({ status }) => status),
    [0, 0],
  )
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.records(), { networks: {}, attachments: {}, leases: [] })
})

t.test('who waits for the lock keeps nobody from anything else', async (t) => {
  const { vm, open, arrived } = slowVm()
  using holder = vm.call()
  const path = join(holder.stateDir, 'azure-vnet.json.lock')
  const slow = vm.add('slow', { config: FOREIGN })
  await arrived
  const lock = await holder.lock(path, { label: 'test' })
  const waiting = vm.add('waiting')
  const version = await vm.run('VERSION', 'x', {})
  t.equal(version.status, 0, 'a call without the lock ends')
  open()
  lock.release()
  const answers = await Promise.all([slow, waiting])
  t.strictSame(
    answers.map(({ status }) => status),
    [0, 0],
  )
  t.match(vm.recorded(), { slow: 'ready', waiting: 'ready' })
})

for (const [name, config] of [
  ['the same list', FOREIGN],
  ['a list with our own addresses', CONFIG],
] as const) {
  t.test(`a call that was given up: the next call of ${name} mends`, async (t) => {
    const { vm, open, arrived, verbs } = slowVm()
    let given: Host | undefined
    const slow = vm.add('slow', { config: FOREIGN, host: (host) => (given = host) })
    await arrived
    given![Symbol.dispose]()
    t.match(vm.recorded(), { slow: 'adding' }, 'its record is there')
    // It waits for the same gate when it has the same list.
    const next = vm.add('next', { config })
    if (config === CONFIG) await next
    else while (!verbs.includes('ADD next')) await new Promise(setImmediate)
    t.notOk(vm.recorded()['slow'], 'the next call has swept it')
    open()
    t.equal((await next).status, 0)
    const late = await slow
    t.equal(late.status, 1, 'it does not go on behind the back of the others')
    t.match(late.json['msg'], /given up/)
    t.strictSame(vm.recorded(), { next: 'ready' })
    const links = vm.links().filter((link) => link.startsWith('azv'))
    t.equal(links.length, 1, 'no wire of the one that was given up')
  })
}

t.test('a call that was given up and is repeated: the second has all', async (t) => {
  const { vm, open, arrived } = slowVm()
  let given: Host | undefined
  const slow = vm.add('pod', { config: FOREIGN, host: (host) => (given = host) })
  await arrived
  given![Symbol.dispose]()
  t.match(await vm.add('pod'), { status: 0, json: { ips: [{ address: '10.0.0.5/24' }] } })
  const attached = vm.picture()
  open()
  t.match(await slow, { status: 1, json: { msg: /given up/ } })
  t.match(vm.recorded(), { pod: 'ready' }, 'its record stays')
  t.strictSame(vm.leased(), ['10.0.0.5/24'], 'and its lease')
  t.strictSame(vm.picture(), attached, 'and all that the kernel has')
})

t.test('two ADDs of one owner: the second is told to wait', async (t) => {
  const { vm, open, arrived } = slowVm()
  const first = vm.add('pod', { config: FOREIGN })
  await arrived
  const second = await vm.add('pod')
  t.match(second, { status: 1, json: { code: 11, msg: /is adding eth0/ } })
  open()
  t.equal((await first).status, 0, 'the first never noticed')
  t.match(vm.recorded(), { pod: 'ready' })
})

t.test('two DELs of one owner at once, and a third', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  t.equal((await vm.add('pod')).status, 0)
  const answers = await Promise.all([vm.del('pod'), vm.del('pod')])
  t.strictSame(
    [...answers, await vm.del('pod')].map(({ status }) => status),
    [0, 0, 0],
  )
  t.strictSame(vm.picture(), before)
})

t.test('many at once', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const pods = ['a', 'b', 'c', 'd']
  const answers = await Promise.all(pods.map((pod) => vm.add(pod)))
  const addresses = answers.map(({ json }) => json['ips']?.[0]?.address as string)
  t.equal(new Set(addresses).size, 4, addresses.join(' '))
  await Promise.all([vm.del('a'), vm.del('b'), vm.add('e'), vm.del('c'), vm.del('d')])
  t.strictSame(Object.keys(vm.recorded()), ['e'])
  await vm.del('e')
  t.strictSame(vm.picture(), before)
})
