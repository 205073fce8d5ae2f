import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { runPlugin } from '../../dist/esm/cni/plugin/dispatch.js'
import { ENVIRONMENTS, sourceFor } from '../../dist/esm/ipam/sources/index.js'
import plugin from '../../dist/esm/plugins/azure-vnet-ipam/index.js'
import { azureIpamState, wireserverXml } from '../helpers/azure-documents.js'
import { FakeMachine } from '../helpers/fake-host.js'

const MAC = '00:0d:3a:00:00:01'

const four = {
  mac: MAC,
  prefix: '10.0.0.0/24',
  primary: '10.0.0.4',
  secondaries: ['10.0.0.5', '10.0.0.6', '10.0.0.7'],
}
const six = {
  mac: MAC,
  prefix: 'fd00::/64',
  primary: 'fd00::4',
  secondaries: ['fd00::5', 'fd00::6'],
}

interface Answer {
  code: number
  json: Record<string, any>
}

/** A VM with one NIC, whose wire server knows addresses of both families. */
class Vm extends FakeMachine {
  requests = 0
  xml = wireserverXml([four, six])

  constructor(folder: string) {
    super(folder)
    const plan = this.host.plan()
    const link = plan.link.add({ kind: 'dummy', name: 'eth0', mac: MAC, up: true })
    plan.address.add({ link, address: '10.0.0.4/24' })
    plan.runSync()
    this.http = async () => {
      this.requests++
      return this.xml
    }
  }

  /** Runs the program with a config and gives back what it printed. */
  async run(
    command: string,
    config: unknown,
    { id = 'pod', args = '' } = {},
  ): Promise<Answer> {
    let printed = ''
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_IFNAME: 'eth0',
      CNI_NETNS: '/run/netns/pod',
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: args,
    }
    const io = {
      env,
      stdin: () => JSON.stringify(config),
      stdout: (text: string) => void (printed += text),
      stderr: () => undefined,
    }
    const code = await runPlugin(plugin, io, async () => this.call(env))
    return { code, json: printed ? JSON.parse(printed) : {} }
  }

  add(ipam: unknown = {}, more: { id?: string; args?: string } = {}): Promise<Answer> {
    return this.run('ADD', confOf(ipam), more)
  }

  /** Messages of the log, of one level. */
  logged(level: string): string[] {
    const path = join(this.folder, 'log', 'azure-vnet-ipam.log')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').trim().split('\n')
    return lines
      .map((line) => JSON.parse(line) as { level: string; msg: string })
      .filter((line) => line.level === level)
      .map(({ msg }) => msg)
  }

  /** Addresses with a lease, without prefix length. */
  leases(): string[] {
    const path = join(this.folder, 'state', 'ipam.json')
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as {
      data: { leases: { address: string }[] }
    }
    return data.leases.map(({ address }) => address.split('/')[0]!)
  }
}

function confOf(ipam: unknown) {
  const section = typeof ipam === 'object' && ipam !== null && !Array.isArray(ipam)
  return {
    cniVersion: '0.3.1',
    name: 'azure',
    type: 'bridge',
    ipam: section ? { type: 'azure-vnet-ipam', ...ipam } : ipam,
  }
}

t.test('an address of each family, with the default route of that family', async (t) => {
  const vm = new Vm(t.testdir())
  const dns = { nameservers: ['168.63.129.16'] }
  t.strictSame(await vm.add(), {
    code: 0,
    json: {
      cniVersion: '0.3.1',
      ips: [{ version: '4', address: '10.0.0.5/24', gateway: '10.0.0.1' }],
      routes: [{ dst: '0.0.0.0/0', gw: '10.0.0.1' }],
      dns,
    },
  })
  t.strictSame(await vm.add({ subnet: 'fd00::/64' }), {
    code: 0,
    json: {
      cniVersion: '0.3.1',
      ips: [{ version: '6', address: 'fd00::5/64', gateway: 'fd00::1' }],
      routes: [{ dst: '::/0', gw: 'fd00::1' }],
      dns,
    },
  })
  const wished = await vm.add({ ipAddress: 'FD00::6' }, { id: 'other' })
  t.match(wished.json, { ips: [{ address: 'fd00::6/64' }], routes: [{ dst: '::/0' }] })
  t.strictSame(vm.leases(), ['10.0.0.5', 'fd00::5', 'fd00::6'])
  t.equal(vm.requests, 1)
  t.match(await vm.run('DEL', confOf({})), { code: 0 })
  t.strictSame(vm.leases(), ['fd00::6'], 'DEL takes both families back')
  t.strictSame(vm.logged('warn'), [])
})

t.test('what the host or Azure’s plug-in uses is not given', async (t) => {
  const vm = new Vm(t.testdir())
  const plan = vm.host.plan()
  const link = plan.link.add({ kind: 'dummy', name: 'azv1', up: true })
  plan.neighbour.add({ link, address: '10.0.0.5', mac: MAC, state: 'stale' })
  plan.runSync()
  const file = join(vm.folder, 'azure', 'azure-vnet-ipam.json')
  writeFileSync(file, azureIpamState({ '10.0.0.6': true }))
  t.match((await vm.add()).json, { ips: [{ address: '10.0.0.7/24' }] })
  t.strictSame(vm.logged('warn'), [
    'addresses in use outside of this plug-in are not given: ' +
      `10.0.0.5 (neighbour entry on azv1), 10.0.0.6 (in use in ${file})`,
  ])
  t.match(await vm.add({}, { id: 'second' }), {
    code: 1,
    json: {
      code: 100,
      msg: /3 addresses, 1 in use, 2 used outside of this plug-in: 10\.0\.0\.5 \(neighb/,
    },
  })
  t.match(await vm.add({}, { id: 'second', args: 'IP=10.0.0.5' }), {
    code: 1,
    json: { code: 106, msg: /10\.0\.0\.5 is in use outside .*: neighbour entry on azv1/ },
  })
  writeFileSync(file, 'not JSON')
  t.match((await vm.add({}, { id: 'third' })).json, { ips: [{ address: '10.0.0.6/24' }] })
  t.match(vm.logged('warn').join('\n'), `${file} is not JSON: passed over`)
})

t.test('a pod that is gone leaves nothing that would look like a pod', async (t) => {
  const vm = new Vm(t.testdir())
  for (let turn = 0; turn < 8; turn++) {
    const { json } = await vm.add()
    const address = String(json['ips'][0].address).split('/')[0]!
    const plan = vm.host.plan()
    plan.neighbour.replace({ link: 2, address, mac: MAC, state: 'stale' })
    plan.runSync()
    t.match(await vm.run('DEL', confOf({})), { code: 0 }, `turn ${turn}`)
  }
  t.strictSame(vm.logged('warn'), [])
})

t.test(
  'a neighbour table that cannot be cleaned does not keep a pod from going',
  async (t) => {
    const vm = new Vm(t.testdir())
    await vm.add()
    vm.kernel.failOn('neighbour.dump', 'EPERM')
    t.match(await vm.run('DEL', confOf({})), { code: 0 })
    t.strictSame(vm.leases(), [])
    t.match(vm.logged('warn'), ['the neighbour table keeps the address'])
  },
)

t.test('what of the wire server’s answer is passed over is in the log', async (t) => {
  const vm = new Vm(t.testdir())
  vm.xml = vm.xml.replace('"10.0.0.5"', '"10.0.0.16/28"')
  t.match((await vm.add()).json, { ips: [{ address: '10.0.0.6/24' }] })
  t.strictSame(vm.logged('warn'), [
    'wireserver 168.63.129.16: element IPAddress, attribute Address: "10.0.0.16/28" ' +
      'is not an IP address: passed over',
  ])
})

t.test('fields of the section', async (t) => {
  const vm = new Vm(t.testdir())
  t.match(await vm.add({ addressSpace: 'local', querryInterval: 5, foo: 1 }), { code: 0 })
  t.strictSame(vm.logged('warn'), [
    'ipam.addressSpace has no effect: the pools are those of the NICs of this machine',
    'ipam.querryInterval is not a known field: did you mean queryInterval?',
    'ipam.foo is not a known field',
  ])
  const refused: [object, number, RegExp][] = [
    [{ mode: 'v4overlay' }, 2, /^ipam\.mode: "v4overlay" is not supported/],
    [{ environment: 'mas' }, 7, /^ipam\.environment: "mas" .*: use one of "azure"$/],
    [{ environment: '' }, 7, /^ipam\.environment: "" /],
    [{ queryInterval: 'soon' }, 7, /^ipam\.queryInterval: "soon" /],
    [{ queryInterval: -1 }, 7, /^ipam\.queryInterval: -1 /],
    [{ queryInterval: ' ' }, 7, /^ipam\.queryInterval: " " /],
    [{ subnet: '10.0.0.0' }, 7, /^ipam\.subnet: "10\.0\.0\.0" /],
    [{ ipAddress: 'ten' }, 7, /^ipam\.ipAddress: "ten" /],
    [{ ipAddress: '10.0.0.6', subnet: 'fd00::/64' }, 7, /^subnet "fd00::\/64" /],
  ]
  for (const [ipam, code, msg] of refused) {
    t.match(await vm.add(ipam, { id: 'other' }), { code: 1, json: { code, msg } })
  }
  t.match(await vm.add({}, { id: 'other', args: 'IP=x' }), {
    json: { code: 7, msg: /^CNI_ARGS\.IP: "x" / },
  })
  t.match(await vm.run('ADD', confOf('x')), { json: { code: 7, msg: /^ipam: "x" / } })
  t.strictSame(vm.leases(), ['10.0.0.5'])
  t.match(await vm.add({ mode: '', queryInterval: '0' }), { code: 0 })
})

t.test('"master" counts when it is a NIC of the host', async (t) => {
  const vm = new Vm(t.testdir())
  const add = (id: string, master: unknown) =>
    vm.run('ADD', { ...confOf({}), master }, { id })
  t.match(await add('a', 'eth0'), { code: 0 })
  t.match(await add('b', 'cni0'), { code: 0 })
  t.match(await add('c', 7), { code: 0 })
})

t.test('DEL reads none of it: every member broken in turn', async (t) => {
  const junk = [null, 7, true, 'x', '', [], {}, [null], { a: 1 }]
  const section = {
    type: 'azure-vnet-ipam',
    environment: 'azure',
    addressSpace: 'local',
    subnet: '10.0.0.0/24',
    ipAddress: '10.0.0.5',
    queryInterval: '10',
    mode: '',
    unknown: 1,
  }
  const good: Record<string, unknown> = {
    ...confOf(section),
    master: 'eth0',
    dns: {},
    capabilities: {},
    runtimeConfig: {},
    args: {},
    prevResult: { cniVersion: '0.3.1' },
    unknown: 1,
  }
  const vm = new Vm(t.testdir())
  const check = async (conf: unknown, what: string) => {
    t.match(await vm.add(), { code: 0 })
    t.match(await vm.run('DEL', conf), { code: 0, json: {} }, what)
    t.strictSame(vm.leases(), [], what)
  }
  // The network's name is part of whose lease it is; the version decides about the answer's form.
  const needed = new Set(['name', 'cniVersion'])
  for (const value of junk) {
    for (const key of Object.keys(good)) {
      if (needed.has(key)) continue
      await check({ ...good, [key]: value }, `${key}: ${JSON.stringify(value)}`)
    }
    for (const key of Object.keys(section)) {
      const ipam = { ...section, [key]: value }
      await check({ ...good, ipam }, `ipam.${key}: ${JSON.stringify(value)}`)
    }
  }
  await check({ cniVersion: '0.3.1', name: 'azure' }, 'nothing but what is needed')
  t.match(await vm.run('DEL', good), { code: 0 }, 'and again')
})

t.test('sources by the name of their environment', async (t) => {
  t.strictSame(ENVIRONMENTS, ['azure'])
  const vm = new Vm(t.testdir())
  using host = vm.call()
  const source = sourceFor('azure', { host, warn: (text) => t.fail(text) })
  t.equal(source.kind, 'wireserver')
  t.equal(vm.requests, 0)
  t.match(await source.fetch(), [{ mac: MAC }, { mac: MAC }])
  vm.http = async () => {
    throw Object.assign(new Error('cannot be reached'), {
      name: 'HttpError',
      kind: 'status',
    })
  }
  await t.rejects(source.fetch(), { name: 'SourceError', kind: 'status' })
  vm.http = async () => {
    throw Object.assign(new Error('too much'), { name: 'HttpError', kind: 'too-large' })
  }
  await t.rejects(source.fetch(), { name: 'SourceError', kind: 'invalid' })
  vm.http = async () => {
    throw new RangeError('a fault of ours')
  }
  await t.rejects(source.fetch(), { name: 'RangeError' })
})

t.test('without the wire server and without an earlier answer', async (t) => {
  const vm = new Vm(t.testdir())
  vm.http = new FakeMachine(vm.folder).http
  t.match(await vm.add(), { code: 1, json: { code: 101, msg: /^wireserver 168\.63/ } })
})
