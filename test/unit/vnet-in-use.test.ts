import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Address, Neighbour, Route } from 'vnet-cni'
import { readAzureAddresses } from '../../dist/esm/state/azure-state.js'
import {
  addressesInUse,
  forgetNeighbours,
  readAddressesInUse,
  type InUseFacts,
} from '../../dist/esm/vnet/in-use.js'
import { azureIpamState, azureNetworkState } from '../helpers/azure-documents.js'
import { FakeMachine } from '../helpers/fake-host.js'

const NOTHING: InUseFacts = {
  links: [
    { index: 1, name: 'lo' },
    { index: 2, name: 'eth0' },
    { index: 7, name: 'azv7' },
  ],
  addresses: [],
  routes: [],
  neighbours: [],
  recorded: new Map(),
}

function found(facts: Partial<InUseFacts>, ours?: string[]): Record<string, string> {
  const all = addressesInUse({ ...NOTHING, ...facts }, ours && new Set(ours))
  return Object.fromEntries(all)
}

function neighbour(address: string, more: Partial<Neighbour> = {}): Neighbour {
  const family = address.includes(':') ? 'ipv6' : 'ipv4'
  return { link: 7, family, address, mac: '02:00:00:00:00:01', state: 'stale', ...more }
}

function route(to: string, more: Partial<Route> = {}): Route {
  const rest = {
    table: 'main',
    protocol: 'boot',
    scope: 'link',
    type: 'unicast',
  } as const
  return { family: to.includes(':') ? 'ipv6' : 'ipv4', to, link: 7, ...rest, ...more }
}

t.test('addresses of the host, and the other ends of its links', async (t) => {
  const addresses: Address[] = [
    { link: 2, family: 'ipv4', address: '10.0.0.5/24' },
    { link: 7, family: 'ipv4', address: '10.0.0.1/32', peer: '10.0.0.6' },
    { link: 9, family: 'ipv6', address: 'fd00::5/64' },
  ]
  t.strictSame(found({ addresses }), {
    '10.0.0.5': 'host address on eth0',
    '10.0.0.1': 'host address on azv7',
    '10.0.0.6': 'other end of a link on azv7',
    'fd00::5': 'host address on interface 9',
  })
})

t.test('neighbours that answered, in any state of that', async (t) => {
  for (const state of ['permanent', 'reachable', 'stale', 'delay', 'probe', 'noArp']) {
    const entry = neighbour('10.0.0.5', { state: state as Neighbour['state'] })
    t.strictSame(
      found({ neighbours: [entry] }),
      { '10.0.0.5': 'neighbour entry on azv7' },
      state,
    )
  }
  for (const state of ['failed', 'incomplete', 'none'] as const) {
    const { mac: _, ...entry } = neighbour('10.0.0.5', { state })
    t.strictSame(found({ neighbours: [entry] }), {}, state)
  }
  t.strictSame(found({ neighbours: [neighbour('fd00::5')] }), {
    'fd00::5': 'neighbour entry on azv7',
  })
})

t.test('Azure’s network answers for every address: that is no pod', async (t) => {
  const mac = '12:34:56:78:9a:bc'
  const neighbours = ['reachable', 'stale', 'permanent'].map((state, i) =>
    neighbour(`10.0.0.${5 + i}`, { link: 2, mac, state: state as 'stale' }),
  )
  t.strictSame(found({ neighbours }), {})
})

t.test('routes to one address', async (t) => {
  const routes = [
    route('10.0.0.5/32'),
    route('fd00::5/128'),
    route('10.0.0.6/32', { type: 'blackhole', link: undefined }),
    route('10.0.0.7/32', { table: 'local', type: 'local' }),
    route('10.0.0.255/32', { table: 'local', type: 'broadcast' }),
    route('ff02::1/128', { table: 'local', type: 'multicast' }),
    route('10.0.0.0/24'),
    route('fd00::/64'),
    route('default', { via: '10.0.0.1', link: 2 }),
  ]
  t.strictSame(found({ routes }), {
    '10.0.0.5': 'host route on azv7',
    'fd00::5': 'host route on azv7',
    '10.0.0.6': 'host route',
  })
})

t.test('of several reasons the first; of ours none', async (t) => {
  const facts = {
    recorded: new Map([['10.0.0.5', 'endpoint x in a file']]),
    routes: [route('10.0.0.5/32'), route('10.0.0.6/32')],
    neighbours: [neighbour('10.0.0.6'), neighbour('10.0.0.7'), neighbour('10.0.0.8')],
  }
  t.strictSame(found(facts, ['10.0.0.8']), {
    '10.0.0.5': 'endpoint x in a file',
    '10.0.0.6': 'host route on azv7',
    '10.0.0.7': 'neighbour entry on azv7',
  })
})

function azureFolder(t: { testdir: () => string }, files: Record<string, string>) {
  const dir = t.testdir()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const warned: string[] = []
  const read = () =>
    Object.fromEntries(readAzureAddresses(dir, (message) => warned.push(message)))
  return { dir, warned, read }
}

t.test('state files of Azure’s plug-ins', async (t) => {
  const { dir, warned, read } = azureFolder(t, {
    'azure-vnet.json': azureNetworkState({
      'c1-eth0': ['10.0.0.5', 'fd00::5'],
      'c2-eth0': ['10.0.0.6'],
      'c3-eth0': [],
    }),
    'azure-vnet-ipam.json': azureIpamState({
      '10.0.0.6': true,
      '10.0.0.7': true,
      '10.0.0.8': false,
    }),
  })
  t.strictSame(read(), {
    '10.0.0.5': `endpoint c1-eth0 in ${dir}/azure-vnet.json`,
    'fd00::5': `endpoint c1-eth0 in ${dir}/azure-vnet.json`,
    '10.0.0.6': `in use in ${dir}/azure-vnet-ipam.json`,
    '10.0.0.7': `in use in ${dir}/azure-vnet-ipam.json`,
  })
  t.strictSame(warned, [])
})

t.test('no state file of Azure’s, or no folder', async (t) => {
  const { dir, warned, read } = azureFolder(t, {})
  t.strictSame(read(), {})
  const warn = (message: string) => void warned.push(message)
  t.equal(readAzureAddresses(join(dir, 'absent'), warn).size, 0)
  t.strictSame(warned, [])
})

t.test('state files of Azure’s that are not understood', async (t) => {
  const junk: [string, RegExp][] = [
    ['', /is not JSON: passed over$/],
    ['{"Network', /is not JSON/],
    ['null', /is no JSON object/],
    ['[]', /is no JSON object/],
    ['{}', /has no "(Network|IPAM)"/],
    ['{"Network":null,"IPAM":7}', /has no "(Network|IPAM)"/],
  ]
  for (const [text, problem] of junk) {
    for (const name of ['azure-vnet.json', 'azure-vnet-ipam.json']) {
      const { dir, warned, read } = azureFolder(t, { [name]: text })
      t.strictSame(read(), {})
      t.match(warned, [problem])
      t.ok(warned[0]?.startsWith(join(dir, name)))
    }
  }
  const { dir, warned, read } = azureFolder(t, {})
  mkdirSync(join(dir, 'azure-vnet.json'))
  t.strictSame(read(), {})
  t.strictSame(warned, [`${dir}/azure-vnet.json cannot be read: EISDIR: passed over`])
})

/** The value with every member replaced in turn. */
function* mutants(value: unknown, junk: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    yield { ...value, [key]: junk }
    for (const other of mutants(child, junk)) yield { ...value, [key]: other }
  }
}

t.test('no state file of Azure’s makes it throw', async (t) => {
  const good = {
    'azure-vnet.json': azureNetworkState({ 'c1-eth0': ['10.0.0.5'] }),
    'azure-vnet-ipam.json': azureIpamState({ '10.0.0.6': true }),
  }
  for (const [name, text] of Object.entries(good)) {
    for (const junk of [null, 7, 'x', [], {}, [null], true]) {
      for (const mutant of mutants(JSON.parse(text), junk)) {
        const { read } = azureFolder(t, { [name]: JSON.stringify(mutant) })
        for (const address of Object.keys(read())) t.match(address, /^10\.0\.0\.[56]$/)
      }
    }
  }
  const { warned, read } = azureFolder(t, {
    'azure-vnet.json': azureNetworkState({ c1: ['10.0.0.5', 'x', '10.0.0.0/24'] }),
    'azure-vnet-ipam.json': azureIpamState({ x: true }),
  })
  t.strictSame(Object.keys(read()), ['10.0.0.5'], 'the rest is used')
  t.match(warned, [/endpoint c1/, /endpoint c1/, /address "x"/])
})

function machine(folder: string) {
  const fake = new FakeMachine(folder)
  const plan = fake.host.plan()
  const mac = '00:0d:3a:00:00:01'
  const nic = plan.link.add({ kind: 'dummy', name: 'eth0', mac, up: true })
  const pod = plan.link.add({
    kind: 'dummy',
    name: 'azv1',
    mac: '02:00:00:00:00:09',
    up: true,
  })
  plan.address.add({ link: nic, address: '10.0.0.4/24' })
  plan.route.add({ to: '10.0.0.5/32', link: pod })
  plan.neighbour.replace({ link: pod, address: '10.0.0.6', mac })
  plan.neighbour.add({ link: pod, address: '10.0.0.7', mac, state: 'stale' })
  plan.neighbour.add({ link: pod, address: '10.0.0.8', mac, state: 'reachable' })
  plan.runSync()
  writeFileSync(
    join(fake.folder, 'azure', 'azure-vnet-ipam.json'),
    azureIpamState({ '10.0.0.9': true }),
  )
  return fake
}

t.test('the host is looked at as a whole', async (t) => {
  const fake = machine(t.testdir())
  using host = fake.call()
  const warned: string[] = []
  const warn = (message: string) => void warned.push(message)
  const ours = new Set(['10.0.0.8'])
  const {
    '127.0.0.1': _,
    '::1': __,
    ...rest
  } = Object.fromEntries(readAddressesInUse(host, { ours, warn }))
  t.strictSame(rest, {
    '10.0.0.4': 'host address on eth0',
    '10.0.0.5': 'host route on azv1',
    '10.0.0.6': 'neighbour entry on azv1',
    '10.0.0.7': 'neighbour entry on azv1',
    '10.0.0.9': `in use in ${fake.folder}/azure/azure-vnet-ipam.json`,
  })
  t.strictSame(warned, [])
})

t.test(
  'what is known of a pod that is gone is forgotten, what somebody set is not',
  async (t) => {
    const fake = machine(t.testdir())
    forgetNeighbours(fake.host, ['10.0.0.6', '10.0.0.7', '10.0.0.99'])
    const plan = fake.host.plan()
    const left = plan.neighbour.dump()
    t.strictSame(
      plan
        .runSync()
        .of(left)
        .map(({ address }) => address),
      ['10.0.0.6', '10.0.0.8'],
    )
    const before = fake.kernel.steps.length
    forgetNeighbours(fake.host, ['10.0.0.7'])
    t.equal(fake.kernel.steps.length, before + 1, 'nothing but a look')
  },
)
