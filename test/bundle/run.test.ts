import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { AzureHost } from '../helpers/azure-host.js'
import { installBundle, PROGRAMS } from '../helpers/bundle.js'
import { assertPodsGone, assertReset } from '../helpers/left-over.js'
import { run } from '../helpers/process.js'

t.equal(process.getuid?.(), 0, 'these tests need root')

const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-bundle-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const bin = await installBundle(join(folder, 'bin'))
chmodSync(folder, 0o755)

/** Runs a program of the bundle with nothing in the environment but what is given. */
function bare(
  name: string,
  env: Record<string, string>,
  input = '',
  args: string[] = [],
) {
  const assignments = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  return run('env', ['-i', ...assignments, join(bin, name), ...args], { input })
}

t.test('answers people by its name and its options', async (t) => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const name of PROGRAMS) {
    const told = await bare(name, {}, '', ['--version'])
    t.equal(told.stdout, `${name} ${version}\n`)
    t.equal(told.stderr, '', 'no warning of Node, of a rejected code cache for one')
    t.match((await bare(name, {})).stderr, /CNI_COMMAND/, 'a bare call explains')
    t.equal((await bare(name, {})).code, 0)
    t.match((await bare(name, {}, '', ['--help'])).stdout, /CNI protocol versions/)
  }
  const own = await bare('vnet-cni', {}, '', ['--version'])
  t.match(own.stdout, new RegExp(`^vnet-cni ${version} \\(Node 24\\.`))
  const first = await bare('vnet-cni', { CNI_COMMAND: 'VERSION' }, '{}', ['portmap'])
  t.match(JSON.parse(first.stdout), { supportedVersions: Array })
  const wrong = await bare('vnet-cni', {}, '', ['nosuch'])
  t.equal(wrong.code, 2)
  t.match(wrong.stderr, /no command "nosuch": use one of attach/)
})

t.test('VERSION needs no root, no PATH, no writable folder', async (t) => {
  for (const name of PROGRAMS) {
    const call = ['CNI_COMMAND=VERSION', join(bin, name)]
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', 'env', '-i']
    const told = await run('setpriv', [...nobody, ...call], {
      input: '{"cniVersion":"0.3.0"}',
    })
    t.equal(told.code, 0, told.stderr)
    t.equal(JSON.parse(told.stdout).cniVersion, '0.3.0')
  }
})

t.test('V8 takes the code cache', async (t) => {
  const env = { CNI_COMMAND: 'VERSION', VNET_CNI_TRACE: '1' }
  const { stderr } = await bare('azure-vnet', env, '{}')
  t.match(
    stderr,
    /^vnet-cni part: azure-vnet\/VERSION\nvnet-cni trace: main [\d.]+\nvnet-cni trace: answer [\d.]+\nvnet-cni loaded: [^\n]*\n$/,
  )
})

/** Calls of the bundle's plug-ins in a simulated VM, for the pods with these namespaces. */
function callsIn(host: AzureHost, pods: Readonly<Record<string, string>>) {
  const vnet = {
    mode: 'bridge',
    bridge: 'azure0',
    // However long this takes, the source is asked once.
    ipam: { type: 'azure-vnet-ipam', queryInterval: 86400 },
  }
  return (pod: string, name: string, verb: string, more: object = {}, trace = {}) => {
    const env = {
      ...host.env,
      ...trace,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: `bundled-${pod}`,
      CNI_NETNS: pods[pod],
      CNI_IFNAME: 'eth0',
      CNI_PATH: bin,
    }
    const assignments = Object.entries(env).map(([key, value]) => `${key}=${value}`)
    const own = name === 'azure-vnet' ? vnet : {}
    return host.exec('/usr/bin/env', ['-i', ...assignments, join(bin, name)], {
      input: JSON.stringify({
        ...{ cniVersion: '0.3.1', name: 'azure', type: name },
        ...own,
        ...more,
      }),
    })
  }
}

const portAt = (hostPort: number) => ({
  snat: true,
  runtimeConfig: {
    portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' }],
  },
})

t.test('a usual call needs no more than its own part', async (t) => {
  await using host = await AzureHost.create()
  const pods = { a: await host.addPodNetns('a'), b: await host.addPodNetns('b') }
  const call = callsIn(host, pods)
  const traced = async (pod: string, name: string, verb: string, more: object = {}) => {
    const done = await call(pod, name, verb, more, { VNET_CNI_TRACE: '1' })
    t.equal(done.code, 0, done.stdout)
    const parts = [...done.stderr.matchAll(/^vnet-cni part: (.*)$/gm)].map(
      ([, part]) => part,
    )
    if (pod === 'b') t.same(parts, [`${name}/${verb}`])
    return done.stdout
  }
  for (const [pod, port] of [
    ['a', 18080],
    ['b', 18081],
  ] as const) {
    const prevResult = JSON.parse(await traced(pod, 'azure-vnet', 'ADD'))
    await traced(pod, 'portmap', 'ADD', { prevResult, ...portAt(port) })
  }
  await traced('b', 'portmap', 'DEL', portAt(18081))
  await traced('b', 'azure-vnet', 'DEL')
  await traced('b', 'azure-vnet', 'DEL')
})

t.test(
  'ADD and DEL in a simulated VM, with nothing left of the call itself',
  async (t) => {
    await using host = await AzureHost.create()
    const call = callsIn(host, { a: await host.addPodNetns('a') })
    const before = await host.snapshot()
    const places = ['/dev/shm', '/run', bin]
    const ours = () =>
      places.flatMap((place) =>
        readdirSync(place).filter((name) => name.startsWith('.vnet-cni')),
      )
    const added = await call('a', 'azure-vnet', 'ADD')
    t.equal(added.code, 0, added.stdout)
    t.equal(added.stderr, '')
    const prevResult = JSON.parse(added.stdout)
    t.match(prevResult.ips, [{ address: '10.0.0.5/24' }])
    const mapped = await call('a', 'portmap', 'ADD', {
      prevResult,
      ...portAt(18080),
    })
    t.equal(mapped.code, 0, mapped.stdout)
    t.same(JSON.parse(mapped.stdout), prevResult)
    t.ok(await host.ping('a', '10.0.0.1'), 'the pod reaches the fabric')
    for (const name of ['portmap', 'azure-vnet']) {
      const gone = await call('a', name, 'DEL', portAt(18080), { VNET_CNI_TRACE: '1' })
      t.equal(gone.code, 0, gone.stdout)
      const loaded = /^vnet-cni loaded: (.*)$/m.exec(gone.stderr)?.[1]
      const modules = loaded?.replaceAll(/Internal Binding \S+/g, '').trim()
      t.equal(modules, '', 'no more of Node than its start has loaded')
    }
    await assertPodsGone(t, host, before)
    await assertReset(t, host, before, bin)
    t.same(ours(), [], 'no file of the addon is left')
  },
)
