/** Reset gives the host its network back, whatever is on record; repair makes what is on record. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mapPorts } from '../../dist/esm/engine/ports.js'
import { repair, type ChangedSettings } from '../../dist/esm/engine/repair.js'
import { attachedOwners, resetHost } from '../../dist/esm/engine/reset.js'
import { Transaction } from '../../dist/esm/index.js'
import { CONFIG, FakeVm, NIC, ownerOf, SECOND_NIC } from '../helpers/fake-vm.js'

const lasting = { ...CONFIG, bridgeLifetime: 'node', masquerade: true }

/** Resets; answers with what was told of it. */
async function reset(vm: FakeVm): Promise<string[]> {
  const told: string[] = []
  await vm.withEngine((engine) =>
    resetHost(engine, (what, name) => told.push(`${what} ${name}`)),
  )
  return told
}

const owners = (vm: FakeVm) => vm.withEngine(attachedOwners)

/** A VM with two pods, one of which has a port. */
async function busy() {
  const vm = new FakeVm()
  const before = vm.picture()
  const { json } = await vm.add('web', { config: lasting })
  await vm.add('db', { config: lasting })
  await vm.addPorts('web', json, 8080)
  return { vm, before }
}

t.test('a host that has nothing of ours', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  t.strictSame(await owners(vm), [])
  t.strictSame(await reset(vm), [])
  t.strictSame(vm.picture(), before)
  t.strictSame(vm.files(), [])
})

t.test('with records: pods, ports, bridge, tables and files go', async (t) => {
  const { vm, before } = await busy()
  t.strictSame(await owners(vm), ['azure/db/eth0', 'azure/web/eth0'])
  const told = await reset(vm)
  t.strictSame(told.slice(0, 3), [
    'endpoint azure/web/eth0',
    'endpoint azure/db/eth0',
    'bridge azure0',
  ])
  t.match(told.slice(3).join(), /file .*azure-vnet\.json/)
  t.strictSame(vm.picture(), before)
  t.strictSame(await owners(vm), [])
  t.strictSame(await reset(vm), [], 'it repeats')
  t.equal((await vm.add('web')).status, 0, 'and all can begin anew')
})

t.test('without records: what the kernel has is found by its marks', async (t) => {
  const { vm, before } = await busy()
  for (const name of ['azure-vnet.json', 'ipam.json']) vm.lose(name)
  t.strictSame(await owners(vm), ['azure/db/eth0', 'azure/web/eth0'])
  const told = await reset(vm)
  t.match(told, [/^endpoint azv/, /^endpoint azv/, 'bridge azure0'])
  t.strictSame(vm.picture(), before)
})

t.test('two bridges of two NICs', async (t) => {
  const vm = new FakeVm({ nics: [NIC, SECOND_NIC] })
  const before = vm.picture()
  await vm.add('web', { config: { ...lasting, master: 'eth0' } })
  await vm.add('db', { config: { ...lasting, master: 'eth1', bridge: 'azure1' } })
  const told = await reset(vm)
  t.match(told, { 2: 'bridge azure0', 3: 'bridge azure1' })
  t.strictSame(vm.picture(), before)
})

t.test(
  'a bridge that was deleted by hand: its addresses come back, its tables go',
  async (t) => {
    const { vm, before } = await busy()
    vm.host.sync.link.del('azure0')
    await reset(vm)
    t.strictSame(vm.picture(), before)
  },
)

t.test('a table without a record and without a bridge', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  const plan = vm.host.plan()
  plan.nftables.commit(
    new Transaction()
      .addTable({ family: 'bridge', name: 'azure_vnet_old' })
      .addTable({ family: 'inet', name: 'somebody_elses' }),
  )
  plan.runSync()
  t.strictSame(await reset(vm), ['table bridge azure_vnet_old'])
  const left = vm.host.sync.nftables.tables().map(({ name }) => name)
  t.strictSame(left, ['somebody_elses'])
  vm.flushRuleset()
  t.strictSame(vm.picture(), before)
})

t.test('a bridge of ours without a NIC', async (t) => {
  const vm = new FakeVm()
  vm.host.sync.link.add({ kind: 'bridge', name: 'azure9', alias: 'azure-vnet' })
  const before = vm.picture()
  await t.rejects(reset(vm), { code: 108, msg: /azure9 has no NIC/ })
  t.strictSame(vm.picture(), before, "it may have the host's addresses: it stays")
})

t.test('a bridge whose NIC is gone', async (t) => {
  const { vm } = await busy()
  vm.host.sync.link.del('eth0')
  await t.rejects(reset(vm), { code: 108, msg: /azure0 has no NIC/ })
  vm.host.sync.link.del('azure0')
  await reset(vm)
  t.strictSame(vm.links(), ['lo'])
  t.notOk(existsSync(vm.file('.')), 'the folder went with the last file')
})

t.test('files of others stay, and the folder with them', async (t) => {
  const { vm } = await busy()
  writeFileSync(vm.file('azure-vnet.json.bad'), 'x')
  writeFileSync(vm.file('notes.txt'), 'x')
  mkdirSync(join(vm.folder, 'keep', 'attachments'), { recursive: true })
  const told = await reset(vm)
  t.match(told.join(), /azure-vnet\.json\.bad/)
  t.match(told.join(), /keep\/attachments/)
  t.strictSame(vm.files(), ['notes.txt'])
})

t.test('a step that is refused stops it; the next one ends it', async (t) => {
  for (const op of ['link.del', 'address.del', 'route.new', 'nft.batch']) {
    const { vm, before } = await busy()
    vm.kernel.failOn(op, 'EPERM')
    await t.rejects(reset(vm), { code: 'EPERM' }, op)
    vm.kernel.reset()
    await reset(vm)
    t.strictSame(vm.picture(), before, op)
  }
})

t.test('a host port without an attachment counts as an owner', async (t) => {
  const vm = new FakeVm()
  await vm.withEngine((engine) =>
    mapPorts(engine, ownerOf('foreign'), {
      pod: '10.9.0.7',
      mappings: [{ protocol: 'tcp', hostPort: 80, containerPort: 80 }],
      snat: false,
    }),
  )
  vm.lose('azure-vnet.json')
  t.strictSame(await owners(vm), ['azure/foreign/eth0'])
})

/** Repairs; answers with what was found. */
const repaired = (vm: FakeVm, changed?: ChangedSettings) =>
  vm.withEngine((engine) => repair(engine, changed))

t.test('repair finds nothing to do on a host that is whole', async (t) => {
  const { vm } = await busy()
  const before = vm.picture()
  t.strictSame(await repaired(vm), {
    networks: [{ name: 'azure0', wasWhole: true }],
    ports: [],
  })
  t.strictSame(vm.picture(), before)
  t.strictSame(await repaired(new FakeVm()), { networks: [], ports: [] })
})

t.test('repair after accidents', async (t) => {
  const accidents: [string, (vm: FakeVm) => void, object][] = [
    ['a flushed ruleset', (vm) => vm.flushRuleset(), { ports: ['azure/web/eth0'] }],
    ['a bridge deleted by hand', (vm) => vm.host.sync.link.del('azure0'), {}],
    [
      'a NIC taken out of the bridge',
      (vm) => vm.host.sync.link.set('eth0', { master: 0 }),
      {},
    ],
    [
      'one table deleted',
      (vm) => {
        const plan = vm.host.plan()
        const table = { family: 'ip', name: 'azure_vnet_masquerade' } as const
        plan.nftables.commit(new Transaction().deleteTable(table))
        plan.runSync()
      },
      {},
    ],
  ]
  for (const [what, happen, expected] of accidents) {
    const { vm, before: clean } = await busy()
    const before = shapeOf(vm)
    happen(vm)
    t.match(
      await repaired(vm),
      { networks: [{ name: 'azure0', wasWhole: false }], ...expected },
      what,
    )
    t.strictSame(shapeOf(vm), before, `${what}: all is there again`)
    await reset(vm)
    t.strictSame(vm.picture(), clean, `${what}: and goes`)
  }
})

/** The host's network by names: a bridge that was made anew has another index. */
function shapeOf(vm: FakeVm): unknown {
  const links = vm.host.sync.link.dump()
  const names = new Map(links.map(({ index, name }) => [index, name]))
  const byName = (index: number | undefined) => names.get(index ?? 0)
  return {
    links: links.map(({ name, master }) => `${name} ${byName(master)}`).sort(),
    addresses: vm.host.sync.address
      .dump()
      .map(({ address, link }) => `${address} ${byName(link)}`)
      .sort(),
    routes: [4, 6].flatMap((n) =>
      vm.host.sync.route
        .dump({ family: n === 4 ? 'ipv4' : 'ipv6' })
        .map(({ to, via, link, table }) => `${to} ${via} ${byName(link)} ${table}`)
        .sort(),
    ),
    neighbours: vm.host.sync.neighbour
      .dump()
      .map(({ address, mac, link }) => `${address} ${mac} ${byName(link)}`)
      .sort(),
    ...ruleset(vm),
  }
}

function ruleset(vm: FakeVm): object {
  const { nft, elements } = vm.picture() as { nft: unknown; elements: unknown }
  return { nft, elements }
}

t.test('repair with settings of a list that changed', async (t) => {
  const { vm } = await busy()
  const changed = (
    network: string,
    masquerade: ChangedSettings['settings']['masquerade'],
  ) => ({
    network,
    settings: { bridgeLifetime: 'pods' as const, masquerade, spoofGuard: true },
  })
  await repaired(vm, changed('nobody', false))
  t.match(vm.records(), {
    networks: { azure0: { lifetime: 'node', masquerade: { azure: { auto: true } } } },
  })
  await repaired(vm, changed('azure', { except: ['10.0.0.0/8'] }))
  t.match(vm.records(), {
    networks: {
      azure0: {
        lifetime: 'pods',
        masquerade: { azure: { except: ['10.0.0.0/8'], auto: false } },
      },
    },
  })
  await repaired(vm, changed('azure', 'auto'))
  t.match(vm.records(), {
    networks: { azure0: { masquerade: { azure: { except: ['10.0.0.0/24'] } } } },
  })
  await repaired(vm, changed('azure', false))
  t.notMatch(JSON.stringify(vm.picture()), /azure_vnet_masquerade/)
})

t.test('repair without the NIC', async (t) => {
  const { vm } = await busy()
  vm.host.sync.link.del('eth0')
  await t.rejects(repaired(vm), { code: 108, msg: /no interface eth0/ })
})
