/** Containers that died without DEL: who is provably dead gives its address to the next ADD. */
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import { toError } from '../../dist/esm/errors.js'
import type { Host } from '../../dist/esm/host/host.js'
import { changed } from '../helpers/crash.js'
import { CONFIG, FakeVm, NIC, ownerOf, type CallOptions } from '../helpers/fake-vm.js'

const config = { ...CONFIG, bridgeLifetime: 'node' }
const pathOf = (id: string) => `/run/netns/${id}`
const vmOf = (addresses: number) =>
  new FakeVm({
    nics: [
      {
        ...NIC,
        secondaries: Array.from({ length: addresses }, (_, i) => `10.0.0.${5 + i}`),
      },
    ],
  })

/** The container's namespace ends, and with it the wire. */
function die(vm: FakeVm, id: string, network?: string): void {
  vm.namespaces.delete(pathOf(id))
  const name = hostLinkName(ownerOf(id, network))
  if (vm.links().includes(name)) vm.host.sync.link.del(name)
}

const proofs = (vm: FakeVm) =>
  vm.logLines().flatMap(({ msg, proof }) => (/left over/.test(msg) ? [proof] : []))

async function fill(vm: FakeVm, ...ids: string[]): Promise<void> {
  for (const id of ids) t.equal((await vm.add(id, { config })).status, 0, id)
}

t.test('a full pool of dead containers serves the next ADD', async (t) => {
  const vm = vmOf(3)
  await fill(vm, 'a', 'b', 'c')
  t.equal((await vm.add('d', { config })).json['code'], 100, 'all of them live')
  for (const id of ['a', 'b', 'c']) die(vm, id)
  const { status, json } = await vm.add('d', { config })
  t.equal(status, 0, json['msg'])
  t.strictSame(vm.recorded(), { d: 'ready' })
  t.equal(vm.leased().length, 1)
  t.match(proofs(vm), [
    `${hostLinkName(ownerOf('a'))} is gone, and there is no namespace /run/netns/a`,
    /b$/,
    /c$/,
  ])
})

t.test('a pool that is more than half leased is looked through', async (t) => {
  const vm = vmOf(4)
  await fill(vm, 'a', 'b')
  die(vm, 'a')
  t.strictSame(vm.leased().length, 2, 'half: nobody has looked')
  await fill(vm, 'c')
  t.strictSame(vm.recorded(), { b: 'ready', c: 'ready' })
  t.strictSame(vm.leased(), ['10.0.0.6/24', '10.0.0.7/24'])
})

t.test('what cannot be proven dead is kept', async (t) => {
  const refuse = (errno: number) => (host: Host) =>
    changed(host, {
      open: (path) => {
        if (path === pathOf('new')) return host.open(path)
        throw toError(
          {
            op: 'netns.open',
            errno,
            syscall: 'open',
            step: 0,
            extAck: '',
            attribute: '',
          },
          [],
          path,
        )
      },
    })
  const cases: [string, (vm: FakeVm) => CallOptions | void][] = [
    ['everything is there', () => {}],
    ['the path alone is gone', (vm) => void vm.namespaces.delete(pathOf('a'))],
    ['the wire alone is gone', (vm) => vm.host.sync.link.del(hostLinkName(ownerOf('a')))],
    ['the path cannot be opened (EACCES)', (vm) => (die(vm, 'a'), { host: refuse(13) })],
    ['nor opened (EMFILE)', (vm) => (die(vm, 'a'), { host: refuse(24) })],
    [
      'an old record does not know the namespace',
      (vm) => {
        const data = vm.data('azure-vnet.json')
        delete data.attachments['azure/a/eth0'].sandbox
        const document = { version: 2, bootId: 'boot-1', data }
        writeFileSync(vm.file('azure-vnet.json'), JSON.stringify(document))
        die(vm, 'a')
      },
    ],
  ]
  for (const [what, accident] of cases) {
    const vm = vmOf(1)
    await fill(vm, 'a')
    const options = accident(vm) ?? {}
    const done = await vm.add('new', { config, ...options })
    t.match(done, { status: 1, json: { code: 100 } }, what)
    t.strictSame([vm.recorded(), proofs(vm)], [{ a: 'ready' }, []], what)
  }
})

t.test('what is at the path is another namespace', async (t) => {
  const vm = vmOf(1)
  await fill(vm, 'a')
  die(vm, 'a')
  vm.pod(pathOf('a'))
  t.equal((await vm.add('new', { config })).status, 0)
  t.match(proofs(vm), [/\/run\/netns\/a is another namespace than it was$/])
})

t.test('the same pod again: its dead sandbox goes at once', async (t) => {
  const named = (uid: string, name = 'web') =>
    `K8S_POD_UID=${uid};K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${name}`
  const add = (vm: FakeVm, id: string, CNI_ARGS: string) =>
    vm.add(id, { config, env: { CNI_ARGS } })
  for (const [what, args, isGone] of [
    ['the same id', named('1', 'renamed'), true],
    ['the same name', named('2'), true],
    ['another pod', named('2', 'db'), false],
    ['a name alone that is another', 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db', false],
    ['half a name', 'K8S_POD_NAME=web', false],
  ] as const) {
    const vm = vmOf(8)
    await add(vm, 'first', named('1'))
    die(vm, 'first')
    t.equal((await add(vm, 'second', args)).status, 0)
    t.equal('first' in vm.recorded(), !isGone, what)
  }
  const vm = vmOf(8)
  await add(vm, 'first', named('1'))
  await add(vm, 'second', named('1'))
  t.strictSame(vm.recorded(), { first: 'ready', second: 'ready' }, 'the living one stays')
})

t.test('a late DEL of the dead never touches what is another’s now', async (t) => {
  const vm = vmOf(1)
  await fill(vm, 'old')
  die(vm, 'old')
  const first = await vm.add('new', { config })
  await vm.addPorts('new', first.json, 8080)
  const before = [vm.picture(), vm.records()]
  t.equal((await vm.del('old', { config })).status, 0)
  t.strictSame([vm.picture(), vm.records()], before)
})

t.test('what a DEL is at is left to it, for as long as it runs', async (t) => {
  const vm = vmOf(1)
  const call = vm.call()
  const { self } = call
  await fill(vm, 'next')
  die(vm, 'next')
  const data = vm.data('azure-vnet.json')
  data.attachments['azure/next/eth0'].taker = self
  const document = { version: 2, bootId: 'boot-1', data }
  writeFileSync(vm.file('azure-vnet.json'), JSON.stringify(document))
  t.match(await vm.add('new', { config }), { status: 1, json: { code: 100 } })
  t.strictSame(vm.recorded(), { next: 'ready' })
  call[Symbol.dispose]()
  t.equal((await vm.add('new', { config })).status, 0, 'it has died')
  t.strictSame(vm.recorded(), { new: 'ready' })
})

t.test('a DEL is on record before it takes anything away', async (t) => {
  const vm = vmOf(1)
  await fill(vm, 'old')
  const takers: unknown[] = []
  const done = await vm.del('old', {
    config,
    host: (host) =>
      changed(host, {
        lock: (path, options) => {
          const record = vm.data('azure-vnet.json').attachments['azure/old/eth0']
          takers.push(record?.taker?.pid)
          return host.lock(path, options)
        },
      }),
  })
  t.equal(done.status, 0)
  t.strictSame(takers.slice(0, 2), [undefined, process.pid])

  await fill(vm, 'old')
  const data = vm.data('azure-vnet.json')
  const adder = { pid: 1, start: '1', call: 1 }
  data.attachments['azure/old/eth0'] = { phase: 'adding', owner: ownerOf('old'), adder }
  const document = { version: 2, bootId: 'boot-1', data }
  writeFileSync(vm.file('azure-vnet.json'), JSON.stringify(document))
  const adders: unknown[] = []
  await vm.del('old', {
    config,
    host: (host) =>
      changed(host, {
        lock: (path, options) => {
          const record = vm.data('azure-vnet.json').attachments['azure/old/eth0']
          adders.push(record?.adder?.pid)
          return host.lock(path, options)
        },
      }),
  })
  t.strictSame(adders.slice(0, 2), [1, process.pid], 'what a dead ADD left is claimed')
  t.strictSame([vm.recorded(), vm.leased()], [{}, []])
})

t.test('its ports go with it', async (t) => {
  const vm = vmOf(1)
  await vm.addPorts('old', (await vm.add('old', { config })).json, 8080)
  die(vm, 'old')
  const { json } = await vm.add('new', { config })
  t.equal((await vm.addPorts('new', json, 8080)).status, 0)
})

t.test('an ADD of the same owner that came in between keeps what it has', async (t) => {
  const vm = vmOf(2)
  await fill(vm, 'a', 'b')
  die(vm, 'a')
  let isFirst = true
  const done = await vm.add('new', {
    config,
    host: (host) =>
      changed(host, {
        open: (path) => {
          if (path === pathOf('a') && isFirst) {
            // The record changes after it was read, before it is claimed.
            isFirst = false
            const data = vm.data('azure-vnet.json')
            data.attachments['azure/a/eth0'].sandbox.ino += 1
            const document = { version: 2, bootId: 'boot-1', data }
            writeFileSync(vm.file('azure-vnet.json'), JSON.stringify(document))
          }
          return host.open(path)
        },
      }),
  })
  t.match(done.json, { code: 100 })
  t.strictSame(vm.recorded(), { a: 'ready', b: 'ready' })
})

t.test('attachments of other networks, by who gave the address', async (t) => {
  const own = vmOf(1)
  await own.add('a', { config: { ...config, name: 'other' } })
  die(own, 'a', 'other')
  t.equal(
    (await own.add('new', { config })).status,
    0,
    'the pool is one for all networks',
  )

  const vm = vmOf(1)
  vm.program('foreign')
  const address = { version: '4', address: '10.0.0.77/24', gateway: '10.0.0.1' }
  vm.exec = async ({ env }) => ({
    status: 0,
    signal: null,
    stdout:
      env['CNI_COMMAND'] === 'ADD'
        ? JSON.stringify({ cniVersion: '0.3.1', ips: [address] })
        : '',
    stderr: '',
  })
  await vm.add('a', { config: { ...config, ipam: { type: 'foreign' } } })
  die(vm, 'a')
  await fill(vm, 'b')
  t.match(await vm.add('c', { config }), { status: 1, json: { code: 100 } })
  t.ok('a' in vm.recorded(), 'its address is not of this pool')
})
