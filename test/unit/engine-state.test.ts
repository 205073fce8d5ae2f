/** The node's document: what is whole of it is used, what is broken is named; version 1 migrates. */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import { parseNodeState } from '../../dist/esm/engine/state-schema.js'
import type { NodeState, ReadyRecord } from '../../dist/esm/engine/records.js'
import { LAYOUT } from '../../dist/esm/vnet/bridge/table-rules.js'
import { Salvaged } from '../../dist/esm/state/salvage.js'
import { CONFIG, FakeVm } from '../helpers/fake-vm.js'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A document with all that it can hold. */
async function fullDocument(): Promise<Json> {
  const vm = new FakeVm()
  const config = { ...CONFIG, masquerade: true }
  const { json } = await vm.add('web', { config })
  await vm.addPorts('web', json, 8080)
  await vm.withEngine(({ store, host }) =>
    store.update((state) => {
      const owner = { network: 'azure', containerId: 'dead', ifname: 'eth0' }
      state.attachments['azure/dead/eth0'] = { phase: 'adding', owner, adder: host.self }
    }),
  )
  return vm.data('azure-vnet.json') as Json
}

/** What version 1 wrote: one SNAT setting for a bridge, pods with one address. */
function version1(document: Json): Json {
  const { networks, attachments } = document as any
  const { mode, name, lifetime, masquerade, ...more } = networks.azure0
  const { layout: _l, unguarded: _u, ...rest } = more
  const { owner, addresses } = attachments['azure/web/eth0']
  const dead = attachments['azure/dead/eth0']
  const { call, ...adder } = dead.adder
  t.match([mode, lifetime, call, masquerade.azure.auto], ['bridge', 'pods', Number, true])
  return {
    bridges: {
      azure0: { ...rest, bridge: name, masquerade: { except: ['10.0.0.0/8'] } },
    },
    endpoints: {
      'azure/web/eth0': { phase: 'ready', owner, bridge: name, ...addresses[0] },
      'azure/dead/eth0': { ...dead, adder },
    },
  }
}

/** The paths of all members that the shape of a record knows, without what routes and such hold. */
function pathsOf(value: Json, path: readonly string[] = []): string[][] {
  const here = path.length > 0 ? [[...path]] : []
  if (typeof value !== 'object' || value === null) return here
  const entries = Object.entries(value as object) as [string, Json][]
  return [...here, ...entries.flatMap(([key, inner]) => pathsOf(inner, [...path, key]))]
}

function broken(document: Json, path: readonly string[], value: Json | undefined): Json {
  const copy = structuredClone(document) as any
  let at = copy
  for (const key of path.slice(0, -1)) at = at[key]
  const last = path.at(-1)!
  if (value === undefined && Array.isArray(at)) at.splice(Number(last), 1)
  else if (value === undefined) delete at[last]
  else at[last] = value
  return copy as Json
}

/** What is understood of a document, and what is said of the rest. */
function read(document: unknown, version: number): { data: NodeState; damage: string[] } {
  const parsed = parseNodeState(document, version)
  return parsed instanceof Salvaged
    ? { data: parsed.data, damage: [...parsed.damage] }
    : { data: parsed, damage: [] }
}

const counts = ({ networks, attachments }: NodeState) =>
  Object.keys(networks).length + Object.keys(attachments).length

t.test('a whole document is taken as it is', async (t) => {
  const document = await fullDocument()
  t.strictSame(read(document, 2), { data: document, damage: [] })
  t.throws(() => read([], 2), TypeError)
  t.throws(() => read(null, 2), TypeError)
  t.strictSame(read({ networks: null, attachments: [] }, 2), {
    data: { networks: {}, attachments: {} },
    damage: ['networks is no object', 'attachments is no object'],
  })
})

t.test('each member broken in turn costs its own record alone', async (t) => {
  const document = await fullDocument()
  for (const [version, whole] of [
    [2, document],
    [1, version1(document)],
  ] as const) {
    const all = counts(read(whole, version).data)
    let noted = 0
    for (const path of pathsOf(whole)) {
      const at = `version ${version}: ${path.join('.')}`
      // An object in its place is wrong for every kind of member but for an object.
      for (const value of [null, { odd: true }] as Json[]) {
        const { data, damage } = read(broken(whole, path, value), version)
        const depth = path.length
        const lost = all - counts(data)
        if (damage.length === 0) {
          t.equal(lost, 0, `${at}: nothing is lost without a word`)
        } else {
          noted++
          t.equal(damage.length, 1, `${at}: one sentence`)
          t.ok(damage[0]!.startsWith(path.slice(0, 1)[0]!), `${at}: that names the place`)
          if (depth > 1) t.equal(lost, 1, `${at}: one record is lost`)
        }
      }
    }
    t.ok(noted > 40, `version ${version}: ${noted} of them are noticed`)
  }
})

t.test('a record of no known mode or phase', async (t) => {
  const document = await fullDocument()
  const wrong: [string[], Json, RegExp][] = [
    [['networks', 'azure0', 'mode'], 'tunnel', /networks\.azure0\.mode is "tunnel"/],
    [['networks', 'azure0', 'phase'], 'gone', /networks\.azure0\.phase/],
    [['attachments', 'azure/web/eth0', 'phase'], 'x', /phase is "x"/],
    [
      ['attachments', 'azure/web/eth0', 'addresses', '0', 'mac'],
      7,
      /addresses\[0\]\.mac/,
    ],
    [['attachments', 'azure/dead/eth0', 'adder', 'pid'], 'x', /adder\.pid/],
  ]
  for (const [path, value, message] of wrong) {
    t.match(read(broken(document, path, value), 2).damage, [message])
  }
})

t.test('version 1 is brought up to date', async (t) => {
  const document = await fullDocument()
  const { data, damage } = read(version1(document), 1)
  t.strictSame(damage, [])
  const { networks, attachments } = document as unknown as NodeState
  const { layout: _l, unguarded: _u, ...older1 } = networks['azure0']!
  const web = attachments['azure/web/eth0']
  t.strictSame(data.networks, {
    azure0: {
      ...older1,
      lifetime: 'pods',
      masquerade: { azure: { except: ['10.0.0.0/8'], auto: false } },
    },
  })
  const { ports: _1, ipam: _2, sandbox: _3, pod: _4, ...older } = web as ReadyRecord
  t.strictSame(data.attachments['azure/web/eth0'], older)
  const dead = attachments['azure/dead/eth0'] as { adder: object }
  t.strictSame(data.attachments['azure/dead/eth0'], {
    ...dead,
    adder: { ...dead.adder, call: 0 },
  })
})

t.test('files that the program of version 1 wrote', async (t) => {
  const parse = (name: string) => {
    const url = new URL(`../fixtures/state-v1/azure-vnet-${name}.json`, import.meta.url)
    const { version, data } = JSON.parse(readFileSync(url, 'utf8'))
    t.equal(version, 1)
    return read(data, version)
  }
  const owner = { network: 'azure', containerId: 'old', ifname: 'eth0' }
  for (const [name, masquerade] of [
    ['plain', {}],
    ['masquerade', { azure: { except: ['10.0.0.0/16'], auto: false } }],
  ] as const) {
    const { data, damage } = parse(name)
    t.strictSame(damage, [], name)
    t.match(
      data.networks['azure0'],
      { name: 'azure0', nic: 'eth0', phase: 'ready' },
      name,
    )
    t.strictSame(data.networks['azure0']?.masquerade, masquerade, name)
    t.strictSame(
      data.attachments,
      {
        'azure/old/eth0': {
          phase: 'ready',
          owner,
          mode: 'bridge',
          network: 'azure0',
          addresses: [{ address: '10.0.0.5/24', mac: '0a:58:0a:00:00:05' }],
          links: { host: hostLinkName(owner) },
        },
      },
      name,
    )
  }
})

t.test('a node that version 1 left goes on', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const config = { ...CONFIG, masquerade: true }
  await vm.add('web', { config })
  const path = vm.file('azure-vnet.json')
  const { bootId, data } = JSON.parse(readFileSync(path, 'utf8'))
  const { networks, attachments } = data
  const { mode: _m, name, lifetime: _l, masquerade: _s, ...more } = networks.azure0
  const { layout: _o, unguarded: _u, ...rest } = more
  const { owner, addresses } = attachments['azure/web/eth0']
  const old = {
    bridges: {
      azure0: { ...rest, bridge: name, masquerade: { except: ['10.0.0.0/24'] } },
    },
    endpoints: {
      'azure/web/eth0': { phase: 'ready', owner, bridge: name, ...addresses[0] },
    },
  }
  writeFileSync(path, JSON.stringify({ version: 1, bootId, data: old }))
  t.equal((await vm.add('db', { config })).status, 0)
  t.equal(JSON.parse(readFileSync(path, 'utf8')).version, 2)
  t.match(vm.records(), {
    networks: {
      azure0: { masquerade: { azure: { except: ['10.0.0.0/24'], auto: true } } },
    },
  })
  t.equal(
    vm.data('azure-vnet.json').networks.azure0.layout,
    LAYOUT,
    'its table is a new one',
  )
  for (const id of ['web', 'db']) t.equal((await vm.del(id, { config })).status, 0)
  t.strictSame(vm.picture(), before)
})

t.test(
  'one broken record of a pod: the others keep theirs, its DEL still works',
  async (t) => {
    const vm = new FakeVm()
    const before = vm.picture()
    for (const id of ['web', 'db']) await vm.add(id)
    const path = vm.file('azure-vnet.json')
    const document = JSON.parse(readFileSync(path, 'utf8'))
    document.data.attachments['azure/web/eth0'].addresses = 'none'
    writeFileSync(path, JSON.stringify(document))
    for (const id of ['web', 'db']) t.equal((await vm.del(id)).status, 0)
    t.strictSame(vm.picture(), before)
    t.strictSame(vm.leased(), [])
    const warned = vm.logLines().filter(({ level }) => level === 'warn')
    t.match(JSON.stringify(warned), /attachments\.azure\/web\/eth0\.addresses/)
  },
)

t.test('another boot: nothing of the records holds', async (t) => {
  const vm = new FakeVm()
  await vm.add('web')
  const rebooted = new FakeVm()
  writeFileSync(
    rebooted.file('azure-vnet.json'),
    readFileSync(vm.file('azure-vnet.json'), 'utf8').replace('boot-1', 'boot-0'),
  )
  const before = rebooted.picture()
  t.match((await rebooted.add('db')).json, { ips: [{ address: '10.0.0.5/24' }] })
  t.strictSame(rebooted.recorded(), { db: 'ready' })
  await rebooted.del('db')
  t.strictSame(rebooted.picture(), before)
})
