/** What the managers of the host's network are told, and when. */
import t from 'tap'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tellManagers, untellManagers } from '../../dist/esm/vnet/managers/tell.js'
import { CONFIG, FakeVm } from '../helpers/fake-vm.js'

const NETWORKD = 'systemd/network/0-vnet-cni-azure0.network'
const NETWORK_MANAGER = 'NetworkManager/conf.d/0-vnet-cni-azure0.conf'
const FILES = [NETWORKD, NETWORK_MANAGER]

function there(dir: string): string[] {
  return FILES.filter((file) => existsSync(join(dir, file)))
}

t.test('only those that run are told', async (t) => {
  const dir = t.testdir({})
  const links = { nic: 'eth0', bridge: 'azure0' }
  t.same(tellManagers(dir, links), [])
  mkdirSync(join(dir, 'systemd/netif'), { recursive: true })
  t.same(tellManagers(dir, links), [join(dir, NETWORKD)])
  t.same(there(dir), [NETWORKD])
  const text = readFileSync(join(dir, NETWORKD), 'utf8')
  t.match(text, /^Name=eth0 azure0 azv\*$/m)
  t.match(text, /^Unmanaged=yes$/m)
  t.match(text, /^KeepMaster=yes$/m)
  mkdirSync(join(dir, 'NetworkManager'))
  t.same(tellManagers(dir, links), [join(dir, NETWORK_MANAGER)], 'the new one alone')
  t.match(
    readFileSync(join(dir, NETWORK_MANAGER), 'utf8'),
    /match-device=interface-name:eth0,interface-name:azure0,interface-name:azv\*\nmanaged=0/,
  )
  t.same(tellManagers(dir, { ...links, nic: 'wan0' }), [], 'a NIC by another name')
  t.match(readFileSync(join(dir, NETWORKD), 'utf8'), /Name=wan0 /)
  untellManagers(dir, 'azure1')
  t.same(there(dir), FILES, 'those of another bridge stay')
  untellManagers(dir, 'azure0')
  t.same(there(dir), [])
  untellManagers(dir, 'azure0')
})

t.test('one that cannot be told leaves none told', async (t) => {
  const dir = t.testdir({
    systemd: { netif: {} },
    NetworkManager: { 'conf.d': 'a file' },
  })
  t.throws(() => tellManagers(dir, { nic: 'eth0', bridge: 'azure0' }), {
    code: 'ENOTDIR',
  })
  t.same(there(dir), [])
})

async function managed(): Promise<{ vm: FakeVm; run: string }> {
  const vm = new FakeVm()
  const run = join(vm.folder, 'run')
  for (const sign of ['systemd/netif', 'NetworkManager'])
    mkdirSync(join(run, sign), { recursive: true })
  return { vm, run }
}

t.test('with the first pod, until the bridge goes', async (t) => {
  const { vm, run } = await managed()
  t.equal((await vm.add('web')).status, 0)
  t.same(there(run), FILES)
  t.equal((await vm.add('db')).status, 0)
  await vm.del('web')
  t.same(there(run), FILES)
  await vm.del('db')
  t.same(there(run), [])
})

t.test('an ADD that fails takes it back', async (t) => {
  const { vm, run } = await managed()
  vm.host.plan().runSync()
  const plan = vm.host.plan()
  plan.link.addVeth({ name: 'azure0' }, { name: 'peer0' })
  plan.runSync()
  const { json } = await vm.add('web')
  t.equal(json['code'], 108)
  t.same(there(run), [])
})

t.test(
  'where nothing can be written the pod comes all the same, with a warning',
  async (t) => {
    const { vm, run } = await managed()
    writeFileSync(join(run, 'systemd/network'), 'a file')
    t.equal((await vm.add('web')).status, 0)
    t.match(
      vm.logLines().find(({ level }) => level === 'warn'),
      {
        msg: /manager of the host’s network could not be told/,
      },
    )
  },
)

t.test('a NIC that got its addresses again is mended by the next ADD', async (t) => {
  const { vm } = await managed()
  await vm.add('web', { config: { ...CONFIG, bridgeLifetime: 'node' } })
  const plan = vm.host.plan()
  plan.address.add({ link: 'eth0', address: '10.0.0.4/24' })
  plan.link.set('eth0', { master: 0 })
  plan.runSync()
  t.equal(
    (await vm.add('db', { config: { ...CONFIG, bridgeLifetime: 'node' } })).status,
    0,
  )
  const links = vm.host.sync.link.dump()
  const [nic, bridge] = ['eth0', 'azure0'].map((name) =>
    links.find((link) => link.name === name)!,
  )
  t.same(
    vm.host.sync.address.dump().filter(({ link }) => link === nic!.index),
    [],
  )
  t.equal(nic!.master, bridge!.index)
})

t.test('a NIC that got another name while pods are there', async (t) => {
  const { vm, run } = await managed()
  const config = { ...CONFIG, bridgeLifetime: 'node' }
  await vm.add('web', { config })
  const plan = vm.host.plan()
  plan.link.set('eth0', { name: 'wan0' })
  plan.runSync()
  t.equal((await vm.add('db', { config })).status, 0)
  t.equal(vm.data('azure-vnet.json').networks['azure0'].nic, 'wan0')
  t.match(readFileSync(join(run, NETWORKD), 'utf8'), /Name=wan0 azure0/)
})
