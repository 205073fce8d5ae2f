/** The doors of all plug-ins: each verb in each version, as a runtime calls them. */
import t, { type Test } from 'tap'
import type { Plugin } from '../../dist/esm/cni/plugin/plugin.js'
import { CNI_VERSIONS, isAtLeast } from '../../dist/esm/cni/spec/version.js'
import ipam from '../../dist/esm/plugins/azure-vnet-ipam/index.js'
import azureVnet from '../../dist/esm/plugins/azure-vnet/index.js'
import loopback from '../../dist/esm/plugins/loopback/index.js'
import portmap from '../../dist/esm/plugins/portmap/index.js'
import { changed } from '../helpers/crash.js'
import { CONFIG, FakeVm, NIC, type Answer, type Config } from '../helpers/fake-vm.js'

const NEWEST = '1.1.0'
const VNET = { ...CONFIG, cniVersion: NEWEST, bridgeLifetime: 'node' }
const IPAM = { ...VNET, type: 'azure-vnet-ipam' }
const LO = { cniVersion: NEWEST, name: 'lo', type: 'loopback' }
const PLUGINS: [Plugin, Config][] = [
  [azureVnet, VNET],
  [ipam, IPAM],
  [portmap, { ...VNET, type: 'portmap' }],
  [loopback, LO],
]
const ports = (...hostPorts: number[]) => ({
  runtimeConfig: {
    portMappings: hostPorts.map((hostPort) => ({
      hostPort,
      containerPort: 80,
      protocol: 'tcp',
    })),
  },
})

/** What GC is told: containers by their id, each with its first interface. */
const validOf = (...ids: string[]) =>
  ids.map((containerID) => ({ containerID, ifname: 'eth0' }))

function well(t: Test, { status, json, stderr }: Answer, document: object = {}): void {
  t.equal(status, 0, JSON.stringify(json))
  t.strictSame([json, stderr], [document, ''])
}

/** A list of azure-vnet and portmap for one container. */
async function addChain(vm: FakeVm, id: string, hostPort: number, config: Config = VNET) {
  const { json: prevResult } = await vm.add(id, { config })
  const { name, cniVersion } = config
  const portmapConfig = {
    name,
    cniVersion,
    type: 'portmap',
    prevResult,
    ...ports(hostPort),
  }
  const mapped = await vm.run('ADD', id, { plugin: portmap, config: portmapConfig })
  return { prevResult, portmapConfig, mapped }
}

t.test('ADD in every version: the same attachment, in its words', async (t) => {
  for (const cniVersion of CNI_VERSIONS) {
    const vm = new FakeVm()
    const { status, json } = await vm.add('web', { config: { ...VNET, cniVersion } })
    t.equal(status, 0, cniVersion)
    t.equal(json['cniVersion'], cniVersion)
    const gateway = '10.0.0.1'
    const address = '10.0.0.5/24'
    if (!isAtLeast(cniVersion, '0.3.0')) {
      const routes = [{ dst: '0.0.0.0/0', gw: gateway }]
      t.strictSame(json['ip4'], { ip: address, gateway, routes })
      t.notOk('interfaces' in json || 'ips' in json)
    } else {
      const version = isAtLeast(cniVersion, '1.0.0') ? {} : { version: '4' }
      t.strictSame(json['ips'], [{ ...version, interface: 2, address, gateway }])
    }
    const config = {
      ...VNET,
      cniVersion,
      type: 'portmap',
      prevResult: json,
      ...ports(8080),
    }
    const mapped = await vm.run('ADD', 'web', { plugin: portmap, config })
    t.strictSame(mapped.json, json, 'portmap passes the result on')
    for (const [plugin, one] of PLUGINS) {
      well(t, await vm.del('web', { plugin, config: { ...one, cniVersion } }))
    }
    t.strictSame([vm.leased(), vm.recorded()], [[], {}])
  }
})

t.test('a verb that a version does not have yet', async (t) => {
  const vm = new FakeVm()
  for (const [plugin, config] of PLUGINS) {
    for (const [verb, since] of [
      ['CHECK', '0.4.0'],
      ['GC', '1.1.0'],
      ['STATUS', '1.1.0'],
    ] as const) {
      for (const cniVersion of CNI_VERSIONS.filter((one) => !isAtLeast(one, since))) {
        const done = await vm.run(verb, 'web', {
          plugin,
          config: { ...config, cniVersion },
        })
        t.match(done, { status: 1, json: { code: 1, cniVersion } })
        t.match(done.json['msg'], `cniVersion "${cniVersion}" has no ${verb}`)
      }
    }
  }
})

t.test('CHECK of all of a list', async (t) => {
  for (const cniVersion of CNI_VERSIONS.filter((one) => isAtLeast(one, '0.4.0'))) {
    const vm = new FakeVm()
    const vnet = { ...VNET, cniVersion }
    const { prevResult, portmapConfig } = await addChain(vm, 'web', 8080, vnet)
    const check = (plugin: Plugin, config: Config, more: Config = {}) =>
      vm.run('CHECK', 'web', { plugin, config: { ...config, prevResult, ...more } })
    well(t, await check(azureVnet, vnet))
    well(t, await check(portmap, portmapConfig))
    well(t, await check(ipam, { ...IPAM, cniVersion }))

    const other = { ...prevResult, ips: [{ address: '10.0.0.9/24', version: '4' }] }
    const told = await check(azureVnet, vnet, { prevResult: other })
    t.match(told, { status: 1, json: { code: 109, cniVersion } })
    t.match(
      told.json['msg'],
      /10\.0\.0\.9\/24 was told, but is not on record; 10\.0\.0\.5/,
    )
    t.match(await check(ipam, { ...IPAM, cniVersion }, { prevResult: other }), {
      json: { code: 109, msg: /10\.0\.0\.5\/24 is leased, but is not in prevResult/ },
    })
    t.match(await check(portmap, { ...portmapConfig, ...ports(9090) }), {
      json: { code: 109, msg: /host port tcp 0\.0\.0\.0:9090 is not mapped/ },
    })
    vm.flushRuleset()
    const broken = await check(azureVnet, vnet)
    t.match(broken, { status: 1, json: { code: 109, details: /vnet-cni repair/ } })
    await vm.del('web', { config: vnet })
    t.match(await check(azureVnet, vnet), { json: { msg: /has no record/ } })
    t.match(await check(ipam, { ...IPAM, cniVersion }), {
      json: { msg: /no address is/ },
    })
  }
})

t.test('CHECK without what it needs', async (t) => {
  const vm = new FakeVm()
  await vm.add('web', { config: VNET })
  for (const [plugin, config] of PLUGINS.filter(([one]) => one !== loopback)) {
    const done = await vm.run('CHECK', 'web', { plugin, config })
    t.match(done, { status: 1, json: { code: 7, msg: /^prevResult is missing: / } })
    const old = { ...config, prevResult: { cniVersion: '0.3.1', ips: [] } }
    t.match(await vm.run('CHECK', 'web', { plugin, config: old }), {
      json: { code: 7, msg: /^prevResult\.cniVersion: "0\.3\.1" is not valid/ },
    })
  }
})

t.test('CHECK of loopback', async (t) => {
  const vm = new FakeVm()
  const pod = vm.sandbox('web')
  const call = (verb: string) => vm.run(verb, 'web', { plugin: loopback, config: LO })
  t.match(await call('CHECK'), {
    json: { code: 109, msg: /lo of the container is down/ },
  })
  pod.sync.link.set('lo', { up: true })
  const address = await call('CHECK')
  if (address.status !== 0) t.match(address.json['msg'], /no loopback address/)
  pod.sync.address.ensure({ link: 'lo', address: '127.0.0.1/8' })
  well(t, await call('CHECK'))
})

t.test('GC: what is valid stays, by either key', async (t) => {
  for (const key of ['cni.dev/valid-attachments', 'cni.dev/attachments']) {
    const vm = new FakeVm()
    const { portmapConfig } = await addChain(vm, 'web', 8080)
    const before = vm.picture()
    await addChain(vm, 'gone', 8081)
    await vm.add('foreign', { config: { ...VNET, name: 'other' } })
    const collect = (plugin: Plugin, config: Config, ...ids: string[]) =>
      vm.run('GC', '', { plugin, config: { ...config, [key]: validOf(...ids) } })
    well(t, await collect(portmap, portmapConfig, 'web'))
    t.strictSame(vm.recorded(), { web: 'ready', gone: 'ready', foreign: 'ready' })
    well(t, await collect(azureVnet, VNET, 'web'))
    t.strictSame(vm.recorded(), { web: 'ready', foreign: 'ready' })
    await vm.del('foreign', { config: { ...VNET, name: 'other' } })
    t.strictSame(vm.picture(), before)
    well(t, await collect(azureVnet, VNET, 'web'), {})
    const lines = vm.logLines().filter(({ msg }) => msg === 'collected')
    t.match(lines, [{ valid: 1, removed: ['azure/gone/eth0'] }, { removed: [] }])
  }
})

t.test('GC of ports alone, and of leases alone', async (t) => {
  const vm = new FakeVm()
  const { portmapConfig } = await addChain(vm, 'web', 8080)
  const list = { 'cni.dev/valid-attachments': validOf() }
  well(
    t,
    await vm.run('GC', '', { plugin: portmap, config: { ...portmapConfig, ...list } }),
  )
  t.strictSame(vm.recorded(), { web: 'ready' }, 'the attachment stays')
  const { mapped } = await addChain(vm, 'db', 8080)
  t.equal(mapped.status, 0, 'its port is free')

  const alone = new FakeVm()
  for (const id of ['a', 'b']) await alone.add(id, { plugin: ipam, config: IPAM })
  await alone.add('c', { plugin: ipam, config: { ...IPAM, name: 'other' } })
  const config = { ...IPAM, 'cni.dev/valid-attachments': validOf('b') }
  well(t, await alone.run('GC', '', { plugin: ipam, config }))
  t.strictSame(alone.forgotten().sort(), ['b', 'c'])
})

t.test('GC without a list, or with one that cannot be read, takes nothing', async (t) => {
  for (const [plugin, config] of PLUGINS.filter(([one]) => one !== loopback)) {
    const vm = new FakeVm()
    await addChain(vm, 'web', 8080)
    const before = [vm.picture(), vm.records()]
    well(t, await vm.run('GC', '', { plugin, config }))
    well(
      t,
      await vm.run('GC', '', {
        plugin,
        config: { ...config, 'cni.dev/attachments': null },
      }),
    )
    for (const list of ['web', {}, [{}], [{ containerID: 'web' }], ['web'], [null]]) {
      const wrong = { ...config, 'cni.dev/valid-attachments': list }
      const done = await vm.run('GC', '', { plugin, config: wrong })
      t.match(done, { status: 1, json: { code: 7, msg: /^cni\.dev\/valid-attachments/ } })
    }
    t.strictSame([vm.picture(), vm.records()], before, plugin.name)
  }
})

t.test('GC goes on after a failure, and names it', async (t) => {
  const vm = new FakeVm()
  for (const id of ['a', 'b']) await vm.add(id, { config: VNET })
  let deletions = 0
  const config = { ...VNET, 'cni.dev/valid-attachments': [] }
  const done = await vm.run('GC', '', {
    config,
    host: (host) =>
      changed(host, {
        lock: (path, options) => {
          const isLeases = path.endsWith('ipam.json.lock')
          if (isLeases && deletions++ === 0) throw new Error('the lock is broken')
          return host.lock(path, options)
        },
      }),
  })
  t.match(done, { status: 1, json: { code: 110, details: 'GC may be repeated.' } })
  t.match(done.json['msg'], /^not all could be taken away: azure\/[ab]\/eth0: /)
  t.equal(Object.keys(vm.recorded()).length, 1, 'the other one is gone')
  well(t, await vm.run('GC', '', { config }))
  t.strictSame([vm.recorded(), vm.leased()], [{}, []])
})

t.test('STATUS of all, on a node where nothing is wrong', async (t) => {
  const vm = new FakeVm()
  const quiet = {
    host: (host: Parameters<typeof changed>[0]) =>
      changed(host, {
        lock: async () => t.fail('a lock is taken') as never,
        http: async () => t.fail('the source is asked') as never,
      }),
  }
  for (const [plugin, config] of PLUGINS)
    well(t, await vm.run('STATUS', '', { plugin, config, ...quiet }))
  await addChain(vm, 'web', 8080)
  for (const [plugin, config] of PLUGINS)
    well(t, await vm.run('STATUS', '', { plugin, config, ...quiet }))
})

t.test('STATUS: what is wrong, and the numbers', async (t) => {
  const vm = new FakeVm({ nics: [{ ...NIC, secondaries: ['10.0.0.5'] }] })
  await vm.add('web', { config: VNET })
  const full = /^no address is free \(10\.0\.0\.0\/24 on eth0: 1 of 1 in use\)$/
  for (const [plugin, config] of [
    [azureVnet, VNET],
    [ipam, IPAM],
  ] as const) {
    const done = await vm.run('STATUS', '', { plugin, config })
    t.match(done, { status: 1, json: { code: 50, cniVersion: NEWEST, msg: full } })
  }
  vm.host.sync.link.del('azure0')
  const both = await vm.run('STATUS', '', { config: VNET })
  t.match(both, { status: 1, json: { code: 51 } }, 'the graver code')
  t.match(
    both.json['msg'],
    /azure0 over eth0 is not as it should be.*; no address is free/,
  )
})

t.test('STATUS: whatever keeps it from looking keeps ADD from working', async (t) => {
  const vm = new FakeVm()
  const broken = (host: Parameters<typeof changed>[0]) =>
    changed(host, {
      current: () => {
        throw new Error('no addon for this machine')
      },
    })
  for (const [plugin, config] of PLUGINS.filter(([one]) => one !== loopback)) {
    const done = await vm.run('STATUS', '', { plugin, config, host: broken })
    t.match(done, { status: 1, json: { code: 50, msg: /no addon for this machine/ } })
  }
  const wrong = { ...VNET, bridge: 'a b' }
  t.match(await vm.run('STATUS', '', { config: wrong }), { json: { code: 7 } })
})

t.test('a foreign IPAM is asked for CHECK, GC and STATUS too', async (t) => {
  const vm = new FakeVm()
  vm.program('foreign')
  const config = { ...VNET, ipam: { type: 'foreign' } }
  const asked: string[] = []
  let answer: { status: number; stdout: string } = { status: 0, stdout: '' }
  const host = (one: Parameters<typeof changed>[0]) =>
    changed(one, {
      exec: async ({ env }) => {
        const verb = String(env['CNI_COMMAND'])
        asked.push(verb)
        const address = { address: '10.0.0.77/24', gateway: '10.0.0.1' }
        const stdout =
          verb === 'ADD'
            ? JSON.stringify({ cniVersion: NEWEST, ips: [address] })
            : answer.stdout
        const status = verb === 'ADD' ? 0 : answer.status
        return { status, signal: null, stdout, stderr: '' }
      },
    })
  const { json: prevResult } = await vm.add('web', { config, host })
  const call = (verb: string, more: Config = {}) =>
    vm.run(verb, 'web', { config: { ...config, ...more }, host })
  well(t, await call('CHECK', { prevResult }))
  well(t, await call('STATUS'))
  well(t, await call('GC'))
  well(t, await call('GC', { 'cni.dev/valid-attachments': validOf('web') }))
  t.strictSame(asked, ['ADD', 'CHECK', 'STATUS', 'GC', 'GC'])
  answer = { status: 1, stdout: JSON.stringify({ code: 51, msg: 'it is ill' }) }
  for (const [verb, more] of [
    ['CHECK', { prevResult }],
    ['STATUS', {}],
    ['GC', {}],
  ] as const) {
    const done = await call(verb, more)
    t.match(done, { status: 1, json: { code: 51, msg: 'foreign: it is ill' } }, verb)
  }
})

t.test('TRACEPARENT is in every line of the log', async (t) => {
  const vm = new FakeVm()
  const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  await vm.add('web', { config: VNET, env: { TRACEPARENT } })
  const lines = vm.logLines()
  t.ok(lines.length > 1)
  for (const line of lines) t.equal(line['traceparent'], TRACEPARENT)
  await vm.del('web', { config: VNET })
  t.notOk('traceparent' in vm.logLines().at(-1)!)
})
