/** CHECK's use case: each way in which the kernel can differ from the record is named. */
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { hostLinkName } from '../../dist/esm/cni/spec/owner.js'
import { check, type CheckRequest } from '../../dist/esm/engine/check.js'
import { AddressService } from '../../dist/esm/engine/leases.js'
import { Transaction } from '../../dist/esm/index.js'
import { bridgeTable, endpointsMap } from '../../dist/esm/vnet/bridge/endpoint-map.js'
import { portsSet, sendersSet, unguardedSet } from '../../dist/esm/vnet/bridge/ports.js'
import { portBackend } from '../../dist/esm/portmap/backend.js'
import { CONFIG, FakeVm, ownerOf } from '../helpers/fake-vm.js'

const WIRE = hostLinkName(ownerOf('web'))
const ADDRESS = '10.0.0.5'

function differences(vm: FakeVm, more: Partial<CheckRequest> = {}): Promise<string[]> {
  return vm.withEngine((engine) => {
    const service = new AddressService(engine.host, vm.log)
    return check(engine, {
      owner: ownerOf('web'),
      sandbox: vm.sandbox('web'),
      leased: async () => service.find(ownerOf('web')).map(({ address }) => address),
      ...more,
    })
  })
}

async function attached(config = CONFIG): Promise<FakeVm> {
  const vm = new FakeVm()
  const { json } = await vm.add('web', { config })
  await vm.addPorts('web', json, 8080)
  await vm.add('db', { config })
  return vm
}

t.test('an attachment that is as it should be differs in nothing', async (t) => {
  for (const config of [CONFIG, { ...CONFIG, masquerade: true }]) {
    const vm = await attached(config)
    const before = vm.picture()
    const records = vm.records()
    t.strictSame(await differences(vm, { expected: ['10.0.0.5/24'] }), [])
    t.strictSame(await differences(vm, { sandbox: undefined }), [])
    t.strictSame(vm.picture(), before, 'nothing is changed')
    t.strictSame(vm.records(), records)
  }
})

t.test('what is not attached, or not yet', async (t) => {
  const vm = new FakeVm()
  t.strictSame(await differences(vm), [
    'azure/web/eth0 has no record: it is not attached',
  ])
  await vm.add('web')
  const data = vm.data('azure-vnet.json')
  data.attachments['azure/web/eth0'] = {
    phase: 'adding',
    owner: ownerOf('web'),
    adder: { pid: 1, start: '1', call: 1 },
  }
  const bootId = await vm.withEngine(({ host }) => host.bootId())
  writeFileSync(vm.file('azure-vnet.json'), JSON.stringify({ version: 2, bootId, data }))
  t.strictSame(await differences(vm), ['the ADD of azure/web/eth0 has not ended'])
})

t.test('what the caller was told', async (t) => {
  const vm = await attached()
  t.strictSame(await differences(vm, { expected: ['10.0.0.9/24'] }), [
    '10.0.0.9/24 was told, but is not on record',
    '10.0.0.5/24 is on record, but was not told',
  ])
})

t.test('the lease', async (t) => {
  const vm = await attached()
  t.strictSame(await differences(vm, { leased: async () => [] }), [
    '10.0.0.5/24 has no lease: others may get it',
  ])
  t.strictSame(
    await differences(vm, { leased: async () => ['10.0.0.5/24', '10.0.0.7/24'] }),
    ['10.0.0.7/24 is leased, but is not on record'],
  )
  t.strictSame(
    await differences(vm, { leased: async () => undefined }),
    [],
    'an IPAM that cannot say is no difference',
  )
})

t.test('accidents by hand, each by its name', async (t) => {
  const map = endpointsMap('azure0')
  const change = (vm: FakeVm, tx: Transaction) => vm.host.sync.nftables.commit(tx)
  const accidents: [string, (vm: FakeVm) => void, RegExp[]][] = [
    [
      'the wire taken out of the bridge',
      ({ host }) => host.sync.link.set(WIRE, { master: 0 }),
      [new RegExp(`^host link ${WIRE} is no port of azure0$`)],
    ],
    [
      'the wire down',
      ({ host }) => host.sync.link.set(WIRE, { up: false }),
      [new RegExp(`^host link ${WIRE} is down$`)],
    ],
    [
      'its MTU',
      ({ host }) => host.sync.link.set(WIRE, { mtu: 1400 }),
      [new RegExp(`^MTU of host link ${WIRE} is 1400, not 1500$`)],
    ],
    [
      'no hairpin',
      ({ host }) => host.sync.bridgePort.set(WIRE, { hairpin: false }),
      [/hairpin is off/],
    ],
    [
      'the wire deleted',
      ({ host }) => host.sync.link.del(WIRE),
      [
        new RegExp(`^host link ${WIRE} is missing$`),
        /^interface eth0 of the container is missing$/,
      ],
    ],
    [
      'its element',
      (vm) => change(vm, new Transaction().deleteElements(map, [[ADDRESS]])),
      [new RegExp(`^map endpoints of table bridge azure_vnet_azure0 lacks ${ADDRESS}$`)],
    ],
    [
      'its port in the sets of the table',
      (vm) => change(vm, new Transaction().deleteElements(portsSet('azure0'), [[WIRE]])),
      [new RegExp(`^set ports of table bridge azure_vnet_azure0 lacks ${WIRE}$`)],
    ],
    [
      'its spoof guard',
      (vm) =>
        change(
          vm,
          new Transaction().deleteElements(sendersSet('azure0'), [
            [WIRE, '0a:58:0a:00:00:05', ADDRESS],
          ]),
        ),
      [/^set senders of table bridge azure_vnet_azure0 lacks azv.* \. 0a:58.* \. 10\.0/],
    ],
    [
      'taken for a router',
      (vm) =>
        change(
          vm,
          new Transaction().addElements(unguardedSet('azure0'), [{ key: [WIRE] }]),
        ),
      [new RegExp(`^${WIRE} is in the set unguarded .*: it has no spoof guard$`)],
    ],
    [
      'its element with the data of another',
      (vm) =>
        change(
          vm,
          new Transaction()
            .deleteElements(map, [[ADDRESS]])
            .addElements(map, [
              { key: [ADDRESS], data: ['02:00:00:00:00:01'], comment: 'azure/db/eth0' },
            ]),
        ),
      [
        /^MAC of 10\.0\.0\.5 in map .* is 02:00:00:00:00:01, not 0a:58:0a:00:00:05$/,
        /^owner of 10\.0\.0\.5 in map .* is azure\/db\/eth0, not azure\/web\/eth0$/,
      ],
    ],
    [
      'its neighbour entry',
      ({ host }) => host.sync.neighbour.del({ link: 'azure0', address: ADDRESS }),
      [/^neighbour entry for 10\.0\.0\.5 on azure0 is missing$/],
    ],
    [
      'its neighbour entry with another MAC',
      ({ host }) =>
        host.sync.neighbour.replace({
          link: 'azure0',
          address: ADDRESS,
          mac: '02:00:00:00:00:01',
        }),
      [/^MAC of 10\.0\.0\.5 in the neighbour table is 02:00:00:00:00:01, not 0a:58/],
    ],
    [
      'its address',
      (vm) =>
        vm.sandbox('web').sync.address.del({ link: 'eth0', address: '10.0.0.5/24' }),
      [/^address 10\.0\.0\.5\/24 on eth0 of the container is missing$/],
    ],
    [
      'its default route',
      (vm) => vm.sandbox('web').sync.route.del({ to: 'default', via: '10.0.0.1' }),
      [/^the container has no default route \(ipv4\)$/],
    ],
    [
      'its interface down',
      (vm) => vm.sandbox('web').sync.link.set('eth0', { up: false }),
      [/^eth0 of the container is down$/],
    ],
    [
      'its MAC and MTU',
      (vm) =>
        vm.sandbox('web').sync.link.set('eth0', { mac: '02:00:00:00:00:09', mtu: 1400 }),
      [
        /^MAC of eth0 of the container is 02:00:00:00:00:09, not 0a:58:0a:00:00:05$/,
        /^MTU of eth0 of the container is 1400, not 1500$/,
      ],
    ],
    [
      'the bridge deleted',
      ({ host }) => host.sync.link.del('azure0'),
      [
        /^host network azure0 over eth0 is not as it should be/,
        /^bridge azure0 is missing$/,
      ],
    ],
    [
      'the NIC taken out of the bridge',
      ({ host }) => host.sync.link.set('eth0', { master: 0 }),
      [/^host network azure0 over eth0 is not as it should be/],
    ],
    [
      'the ruleset flushed',
      (vm) => vm.flushRuleset(),
      [
        /^host network azure0 over eth0 is not as it should be/,
        /lacks 10\.0\.0\.5$/,
        /azure_vnet_portmap is missing/,
      ],
    ],
  ]
  for (const [what, happen, wanted] of accidents) {
    const vm = await attached()
    happen(vm)
    const found = await differences(vm)
    for (const pattern of wanted) {
      t.ok(
        found.some((one) => pattern.test(one)),
        `${what}: ${pattern} in ${JSON.stringify(found)}`,
      )
    }
  }
})

t.test('Internet SNAT, both ways', async (t) => {
  const lost = await attached({ ...CONFIG, masquerade: true } as typeof CONFIG)
  const { family, name } = bridgeTable('azure0')
  const map = { family, table: name, name: 'masqueraded', key: ['ipv4_addr'] } as const
  const tx = new Transaction().deleteElements({ ...map, verdicts: true }, [[ADDRESS]])
  lost.host.sync.nftables.commit(tx)
  t.strictSame(await differences(lost), ['Internet SNAT of 10.0.0.5 is missing'])
})

t.test('ports that somebody took away', async (t) => {
  const vm = await attached()
  await (await portBackend()).remove(vm.host, 'azure/web/eth0')
  const found = await differences(vm)
  t.ok(found.length > 0)
  t.ok(
    found.every((one) => /portmap|port|8080/.test(one)),
    JSON.stringify(found),
  )
})

t.test('a record of ports alone is compared with the ports alone', async (t) => {
  const vm = new FakeVm()
  const ips = [{ version: '4', address: '10.0.0.7/24', interface: 0 }]
  const interfaces = [{ name: 'eth0', sandbox: '/run/netns/web' }]
  const prevResult = { cniVersion: '0.3.1', interfaces, ips }
  t.equal((await vm.addPorts('web', prevResult, 8081)).status, 0)
  t.strictSame(await differences(vm, { expected: ['10.0.0.5/24'] }), [])
  await (await portBackend()).remove(vm.host, 'azure/web/eth0')
  t.ok((await differences(vm)).length > 0)
})

t.test('a host network without a record', async (t) => {
  const vm = await attached()
  const data = vm.data('azure-vnet.json')
  data.networks = {}
  const bootId = await vm.withEngine(({ host }) => host.bootId())
  writeFileSync(vm.file('azure-vnet.json'), JSON.stringify({ version: 2, bootId, data }))
  t.strictSame(await differences(vm), ['host network azure0 has no record'])
})
