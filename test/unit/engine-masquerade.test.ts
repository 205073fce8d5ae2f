/** Internet SNAT of networks: what ADD and DEL of pods make of the tables. */
import t from 'tap'
import type { SetDef } from '../../dist/esm/index.js'
import { bridgeTable } from '../../dist/esm/vnet/bridge/endpoint-map.js'
import { MASQUERADE_TABLE } from '../../dist/esm/vnet/table-names.js'
import { CONFIG, FakeVm, NIC, SECOND_NIC, type Config } from '../helpers/fake-vm.js'

const auto = { ...CONFIG, masquerade: true }
const listed = { ...CONFIG, masquerade: { except: ['10.0.0.0/8', '172.16.0.0/12'] } }

/** The pods with SNAT in both tables, each with the network whose rules it gets. */
function masqueraded(vm: FakeVm, bridge = 'azure0') {
  return [bridgeTable(bridge), MASQUERADE_TABLE].map(({ family, name: table }) => {
    const map: SetDef = {
      family,
      table,
      name: 'masqueraded',
      key: ['ipv4_addr'],
      verdicts: true,
    }
    const plan = vm.host.plan()
    const elements = plan.nftables.elements(map)
    return plan
      .runSync()
      .of(elements)
      .map(({ key, verdict, comment }) => ({ key, verdict, comment }))
  })
}

const element = (address: string, network: string, id: string) => ({
  key: [address],
  verdict: { jump: `snat_${network}` },
  comment: `${network}/${id}/eth0`,
})

/** The exceptions of networks on record. */
function onRecord(vm: FakeVm, bridge = 'azure0'): unknown {
  return vm.data('azure-vnet.json').networks[bridge]?.masquerade
}

t.test('a pod of a network with SNAT is in both tables', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  await vm.add('web', { config: auto })
  t.strictSame(onRecord(vm), { azure: { except: ['10.0.0.0/24'], auto: true } })
  const web = element('10.0.0.5', 'azure', 'web')
  t.strictSame(masqueraded(vm), [[web], [web]])
  await vm.add('db', { config: auto })
  const db = element('10.0.0.6', 'azure', 'db')
  t.strictSame(masqueraded(vm), [
    [web, db],
    [web, db],
  ])
  await vm.del('web', { config: auto })
  t.strictSame(masqueraded(vm), [[db], [db]])
  await vm.del('db', { config: auto })
  t.strictSame(vm.picture(), before)
})

t.test('the setting is of the network that has it', async (t) => {
  const vm = new FakeVm()
  const other = { ...CONFIG, name: 'other' }
  await vm.add('plain', { config: other })
  await vm.add('web', { config: listed })
  t.strictSame(onRecord(vm), {
    azure: { except: ['10.0.0.0/8', '172.16.0.0/12'], auto: false },
  })
  const web = element('10.0.0.6', 'azure', 'web')
  t.strictSame(masqueraded(vm), [[web], [web]])
  await vm.add('more', { config: other })
  t.strictSame(masqueraded(vm), [[web], [web]], 'a list without it takes it from nobody')
  await vm.add('third', { config: { ...auto, name: 'third' } })
  const third = element('10.0.0.8', 'third', 'third')
  t.strictSame(masqueraded(vm), [
    [web, third],
    [web, third],
  ])
  await vm.del('web', { config: listed })
  t.strictSame(
    Object.keys(onRecord(vm) as object),
    ['third'],
    'it goes with the last pod',
  )
  t.strictSame(masqueraded(vm), [[third], [third]])
})

t.test('a list that changes takes effect for the pods that are there', async (t) => {
  const vm = new FakeVm()
  await vm.add('one', { config: CONFIG })
  await vm.add('two', { config: listed })
  const pods = [element('10.0.0.5', 'azure', 'one'), element('10.0.0.6', 'azure', 'two')]
  t.strictSame(masqueraded(vm), [pods, pods])
  await vm.add('three', { config: auto })
  t.strictSame(onRecord(vm), { azure: { except: ['10.0.0.0/24'], auto: true } })
  await vm.add('four', { config: CONFIG })
  t.strictSame(onRecord(vm), {})
  t.strictSame(masqueraded(vm), [[], []], 'and the tables of it are gone')
})

t.test('several pools add up, several bridges share the table of the node', async (t) => {
  const vm = new FakeVm({ nics: [NIC, SECOND_NIC] })
  const before = vm.picture()
  const on = (master: string, bridge: string): Config => ({ ...auto, master, bridge })
  const first = on('eth0', 'azure0')
  const second = on('eth1', 'azure1')
  await vm.add('web', { config: first })
  await vm.add('db', { config: second })
  const web = element('10.0.0.5', 'azure', 'web')
  const db = element('10.0.1.5', 'azure', 'db')
  t.strictSame(masqueraded(vm), [[web], [web, db]])
  t.strictSame(masqueraded(vm, 'azure1')[0], [db])
  t.strictSame(onRecord(vm, 'azure1'), { azure: { except: ['10.0.1.0/24'], auto: true } })
  await vm.del('web', { config: first })
  t.strictSame(masqueraded(vm, 'azure1'), [[db], [db]], 'the other bridge keeps its pods')
  await vm.del('db', { config: second })
  t.strictSame(vm.picture(), before)
})

t.test('auto exceptions of two pools on one bridge', async (t) => {
  const more = {
    ...NIC,
    prefix: '10.0.2.0/24',
    primary: '10.0.2.4',
    secondaries: ['10.0.2.5'],
  }
  const vm = new FakeVm({ nics: [NIC] })
  vm.nics = [NIC, more]
  await vm.add('web', {
    config: { ...auto, ipam: { ...CONFIG.ipam, subnet: NIC.prefix } },
  })
  await vm.add('db', {
    config: { ...auto, ipam: { ...CONFIG.ipam, subnet: more.prefix } },
  })
  t.strictSame(onRecord(vm), {
    azure: { except: ['10.0.0.0/24', '10.0.2.0/24'], auto: true },
  })
})

t.test('DEL of a pod whose network lost the setting meanwhile', async (t) => {
  const vm = new FakeVm()
  const before = vm.picture()
  await vm.add('web', { config: auto })
  await vm.add('db', { config: CONFIG })
  for (const id of ['web', 'db']) t.equal((await vm.del(id)).status, 0)
  t.strictSame(vm.picture(), before)
})
