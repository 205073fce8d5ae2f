import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { attach } from '../../dist/esm/cli/attach.js'
import { detach } from '../../dist/esm/cli/detach.js'
import { FakeMachine } from '../helpers/fake-host.js'
import { callCommand, FakePlugins } from '../helpers/fake-plugins.js'

const MAPPING = { hostPort: 8080, containerPort: 80, protocol: 'tcp' }

/** A machine with the plug-ins first, second and ports, and the list of all three. */
function rig(test: Test) {
  const machine = new FakeMachine()
  test.teardown(() => rmSync(machine.folder, { recursive: true }))
  const plugins = new FakePlugins(machine, 'first', 'second', 'ports')
  const folder = join(machine.folder, 'keep', 'attachments')
  const listOf = (name: string, ...types: string[]) => {
    const file = join(machine.folder, `${name}.conflist`)
    const json = {
      cniVersion: '0.4.0',
      name,
      plugins: types.map((type) => ({
        type,
        ...(type === 'ports' && { capabilities: { portMappings: true } }),
      })),
    }
    writeFileSync(file, JSON.stringify(json))
    return file
  }
  const conflist = listOf('net', 'first', 'second', 'ports')
  const netns = join(machine.folder, 'netns')
  writeFileSync(netns, '')
  const places = (list: string) => ['--conflist', list, '--cni-path', plugins.folder]
  return {
    machine,
    plugins,
    folder,
    listOf,
    netns,
    attach: (id: string, args: string[] = [], list = conflist) =>
      callCommand(
        machine,
        attach,
        ...['--container', id, '--netns', netns, ...places(list), ...args],
      ),
    detach: (args: string[], list = conflist) =>
      callCommand(machine, detach, ...places(list), ...args),
    files: () => {
      try {
        return readdirSync(folder)
      } catch {
        return []
      }
    },
    record: (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')),
  }
}

const ADDS = ['ADD first', 'ADD second', 'ADD ports']
const DELS = ['DEL ports', 'DEL second', 'DEL first']

t.test('attach and detach', async (t) => {
  const { plugins, attach, detach, files, netns, record } = rig(t)
  const done = await attach('c', ['--pod', 'a/b', '-p', '8080:80'])
  t.equal(done.code, 0)
  t.match(done.json, { cniVersion: '0.4.0', dns: { domain: 'ports' } })
  t.match(plugins.calls[2]?.config, {
    runtimeConfig: { portMappings: [MAPPING] },
    prevResult: { dns: { domain: 'second' } },
  })
  t.strictSame(plugins.names(), ADDS)
  t.match(record('net@c@eth0.json'), {
    version: 2,
    bootId: 'boot-1',
    pod: 'a/b',
    runs: ['first', 'second', 'ports'].map((type, position) => ({
      position,
      ended: true,
      config: { type, name: 'net', cniVersion: '0.4.0' },
    })),
    result: { dns: { domain: 'ports' } },
  })
  const gone = await detach(['--pod', 'a/b'])
  t.strictSame(gone.json, {
    detached: [{ network: 'net', containerId: 'c', ifname: 'eth0' }],
  })
  t.match(plugins.calls[0], {
    env: { CNI_NETNS: netns, CNI_CONTAINERID: 'c', CNI_IFNAME: 'eth0' },
    config: {
      runtimeConfig: { portMappings: [MAPPING] },
      prevResult: { dns: { domain: 'ports' } },
    },
  })
  t.strictSame(plugins.names(), DELS)
  t.strictSame(files(), [])
})

t.test('a reboot keeps the ports and not the namespace', async (t) => {
  const { machine, plugins, attach, files, record } = rig(t)
  await attach('c', ['--pod', 'a/b', '-p', '8080:80'])
  plugins.names()
  rmSync(join(machine.folder, 'state'), { recursive: true })
  machine.bootId = 'boot-2'
  const again = await attach('c', ['--again'])
  t.equal(again.code, 0)
  t.equal(plugins.calls[0]?.env['CNI_NETNS'], '', 'DEL of the boot before')
  t.match(plugins.calls[5], {
    name: 'ADD ports',
    env: { CNI_ARGS: /K8S_POD_NAMESPACE=a;K8S_POD_NAME=b/ },
    config: { runtimeConfig: { portMappings: [MAPPING] } },
  })
  t.strictSame(plugins.names(), [...DELS, ...ADDS])
  t.match(record('net@c@eth0.json'), { bootId: 'boot-2', pod: 'a/b' })
  t.strictSame(files(), ['net@c@eth0.json'])
})

t.test('--again where the ports are not known', async (t) => {
  const { attach, detach, plugins, folder, listOf, files } = rig(t)
  const none = await attach('c', ['--again'])
  t.match(none.error, { name: 'RefusedError', message: /no usable record of c \(eth0\)/ })
  t.equal((await attach('c', ['--again', '-p', '8080:80'])).code, 0, 'given anew')
  writeFileSync(join(folder, 'net@c@eth0.json'), '')
  plugins.names()
  const damaged = await attach('c', ['--again'])
  t.match(damaged.stderr, /net@c@eth0\.json is damaged: it is empty/)
  t.match(damaged.error, { name: 'RefusedError', message: /with all its ports as -p/ })
  t.strictSame(plugins.names(), [], 'nothing was done')
  t.equal((await attach('c', ['--again', '-p', '8080:80'])).code, 0)
  t.strictSame(plugins.names(), [...DELS, ...ADDS])
  // A list that cannot map the ports that the container had.
  const plain = await attach('c', ['--again'], listOf('net', 'first'))
  t.match(plain.error, { name: 'UsageError', message: /capability portMappings/ })
  await detach(['--container', 'c'])
  t.strictSame(files(), [])
})

t.test('an --again that fails keeps what was asked for', async (t) => {
  const { attach, plugins, record } = rig(t)
  await attach('c', ['-p', '8080:80'])
  plugins.failing.add('ADD second')
  t.match((await attach('c', ['--again'])).error, { message: 'second: will not' })
  t.match(record('net@c@eth0.json'), {
    runs: [],
    attachment: { capabilityArgs: { portMappings: [MAPPING] } },
  })
  plugins.failing.clear()
  plugins.names()
  t.equal((await attach('c', ['--again'])).code, 0)
  t.match(plugins.calls.at(-1)?.config, { runtimeConfig: { portMappings: [MAPPING] } })
  t.strictSame(plugins.names(), ADDS, 'nothing was left to delete')
})

t.test('a failed ADD whose undo works leaves no record', async (t) => {
  const { attach, plugins, files } = rig(t)
  plugins.failing.add('ADD second')
  const failed = await attach('c')
  t.match(failed.error, { code: 11, message: 'second: will not' })
  t.strictSame(plugins.names(), ['ADD first', 'ADD second', 'DEL second', 'DEL first'])
  t.strictSame(files(), [])
})

t.test('a program that is not there needs no DEL', async (t) => {
  const { attach, plugins, files, listOf } = rig(t)
  const bad = listOf('bad', 'first', 'absent', 'ports')
  const failed = await attach('c', [], bad)
  t.match(failed.error, { code: 105, message: /^absent: not found \(plugins\[1\]/ })
  t.strictSame(plugins.names(), ['ADD first', 'DEL first'])
  t.strictSame(files(), [])
  t.equal((await attach('c')).code, 0)
  t.strictSame(plugins.names(), ADDS)
})

t.test('a failed undo is finished by a later attach with a good list', async (t) => {
  const { attach, plugins, files, listOf, record } = rig(t)
  const bad = listOf('bad', 'first', 'second', 'absent')
  plugins.failing.add('DEL first')
  const failed = await attach('c', [], bad)
  t.match(failed.error, {
    name: 'ChainUndoError',
    message: /^absent: not found.*; undoing it failed too: first: will not/,
  })
  t.match(record('bad@c@eth0.json').runs, [{ position: 0, config: { name: 'bad' } }])
  t.equal(record('bad@c@eth0.json').runs.length, 1, 'DEL of second is done')
  plugins.names()
  t.match((await attach('c')).error, { message: 'first: will not' }, 'still not')
  t.strictSame(plugins.names(), ['DEL first'])
  plugins.failing.clear()
  t.equal((await attach('c')).code, 0)
  t.match(plugins.calls[0]?.config, { name: 'bad' }, 'with the list that it was run by')
  t.strictSame(plugins.names(), ['DEL first', ...ADDS])
  t.strictSame(files(), ['net@c@eth0.json'])
})

t.test('a failed undo is finished by a later detach', async (t) => {
  const { attach, detach, plugins, files, listOf } = rig(t)
  plugins.failing.add('ADD ports')
  plugins.failing.add('DEL second')
  t.match((await attach('c')).error, { name: 'ChainUndoError' })
  plugins.names()
  plugins.failing.clear()
  plugins.uninstall('ports')
  const other = listOf('other', 'absent')
  t.equal((await detach(['--container', 'c'], other)).code, 0)
  t.strictSame(plugins.names(), ['DEL second', 'DEL first'], 'those that were left')
  t.strictSame(files(), [])
})

t.test('a crash in the middle of ADD', async (t) => {
  const { attach, detach, plugins, record } = rig(t)
  plugins.hanging.add('ADD second')
  void attach('c')
  while (plugins.calls.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.match(record('net@c@eth0.json').runs, [{ ended: true }, { ended: false }])
  plugins.names()
  t.equal((await detach(['--container', 'c'])).code, 0)
  t.match(plugins.calls[0]?.config, { prevResult: { dns: { domain: 'first' } } })
  t.strictSame(plugins.names(), ['DEL second', 'DEL first'])
})

t.test('a program that ran and is missing now', async (t) => {
  const { attach, detach, plugins, files } = rig(t)
  await attach('c')
  plugins.uninstall('second')
  plugins.names()
  for (const call of [() => detach(['--container', 'c']), () => attach('c')]) {
    const { error } = await call()
    t.match(error, {
      code: 105,
      message:
        /second: not found \(plugins\[1\]\.type\): .*; or go on without it: vnet-cni detach --container c --force/,
    })
  }
  t.strictSame(plugins.names(), ['DEL ports'], 'what is done is not done again')
  const forced = await detach(['--container', 'c', '--force'])
  t.equal(forced.code, 0)
  t.match(forced.stderr, /second: not found .*--force: passed over, .* may stay/)
  t.strictSame(plugins.names(), ['DEL first'])
  t.strictSame(files(), [])
})

t.test('--force and a plug-in that fails', async (t) => {
  const { attach, detach, plugins, files } = rig(t)
  await attach('c')
  plugins.failing.add('DEL ports')
  plugins.names()
  t.match((await detach(['--container', 'c'])).error, { message: 'ports: will not' })
  const forced = await detach(['--container', 'c', '--force'])
  t.match(forced.stderr, /ports: will not; --force: passed over/)
  t.strictSame(plugins.names(), ['DEL ports', ...DELS])
  t.strictSame(files(), [])
})

t.test('an attachment by the same name is taken back first', async (t) => {
  const { attach, plugins, files, listOf } = rig(t)
  await attach('c', ['-p', '8080:80'])
  await attach('c', ['--ifname', 'eth1'])
  plugins.names()
  const other = listOf('other', 'second')
  t.equal((await attach('c', [], other)).code, 0)
  t.strictSame(plugins.names(), [...DELS, 'ADD second'])
  t.strictSame(files(), ['net@c@eth1.json', 'other@c@eth0.json'])
})

t.test('detach without a record runs the list', async (t) => {
  const { detach, plugins } = rig(t)
  const done = await detach(['--container', 'x', '--ifname', 'eth5'])
  t.strictSame(done.json, { detached: [] })
  t.strictSame(done.lines, ['nothing was recorded as attached'])
  t.match(plugins.calls[0], {
    env: { CNI_CONTAINERID: 'x', CNI_IFNAME: 'eth5', CNI_NETNS: '' },
  })
  t.strictSame(plugins.names(), DELS)
})

t.test('detach of a damaged record', async (t) => {
  const { detach, plugins, folder, files, listOf } = rig(t)
  const damage = (name: string, text = '{ "half') => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  damage('net@c@eth7.json')
  const done = await detach(['--container', 'c'])
  t.match(done.stderr, /net@c@eth7\.json is damaged: it is not JSON: .*: kept as .*\.bad/)
  t.strictSame(done.json, {
    detached: [{ network: 'net', containerId: 'c', ifname: 'eth7' }],
  })
  t.equal(plugins.calls[0]?.env['CNI_IFNAME'], 'eth7')
  t.strictSame(plugins.names(), DELS)
  t.strictSame(files(), [])

  damage('net@c@eth0.json')
  plugins.failing.add('DEL second')
  t.match((await detach(['--container', 'c'])).error, { message: 'second: will not' })
  t.strictSame(files(), ['net@c@eth0.json.bad'], 'kept until DEL has worked')
  plugins.failing.clear()
  t.equal((await detach(['--container', 'c'])).code, 0)
  t.strictSame(files(), [])

  damage('blue@c@eth0.json')
  plugins.names()
  const { error } = await detach(['--container', 'c'])
  t.match(error, {
    message: /is of the network blue, and the list of net: run .* --confl/,
  })
  t.strictSame(plugins.names(), [])
  const blue = listOf('blue', 'first')
  t.equal((await detach(['--container', 'c'], blue)).code, 0)
  t.strictSame(plugins.names(), ['DEL first'])

  damage('blue@c@eth0.json')
  const forced = await detach(['--container', 'c', '--force'])
  t.equal(forced.code, 0)
  t.match(forced.stderr, /--force: forgotten without DEL/)
  t.strictSame(files(), [])
})

t.test('detach by a pod while records are damaged', async (t) => {
  const { detach, folder, plugins, files } = rig(t)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'net@c@eth0.json'), '')
  const refused = await detach(['--pod', 'a/b'])
  t.match(refused.error, {
    name: 'RefusedError',
    message:
      /--pod a\/b: it is not recorded, but records are damaged: net\/c\/eth0 \(no pod/,
  })
  t.strictSame(plugins.names(), [])
  const both = await detach(['--pod', 'a/b', '--container', 'c'])
  t.equal(both.code, 0, 'the container tells which')
  t.strictSame(files(), [])
  writeFileSync(join(folder, 'net@c@eth0.json'), '{ "pod": "a/b" }')
  t.equal((await detach(['--pod', 'a/b'])).code, 0, 'the pod can still be read')
  t.strictSame(files(), [])
})

t.test('owners are compared whole', async (t) => {
  const { attach, detach, plugins, files } = rig(t)
  await attach('old', ['--pod', 'shop/web'])
  await attach('live', ['--pod', 'shop/web'])
  await attach('other', ['--pod', 'test/web'])
  await attach('bare')
  plugins.names()
  const refusals: [string[], RegExp][] = [
    [
      ['--pod', 'shop/web'],
      /^--pod shop\/web: 2 containers have it: net\/live\/eth0 \(pod shop\/web\), net\/old\/eth0 .*: choose one with --container/,
    ],
    [
      ['--pod', 'shop/web', '--container', 'other'],
      /^--container other and --pod shop\/web do not belong together: .*net\/other\/eth0 \(pod test\/web\)/,
    ],
    [['--pod', 'shop/web', '--container', 'bare'], /net\/bare\/eth0 \(no pod known\)/],
    [
      ['--pod', 'shop/web', '--container', 'unknown'],
      /do not belong together: net\/live/,
    ],
    [['--pod', 'none/none', '--container', 'live'], /do not belong together: net\/live/],
  ]
  for (const [args, message] of refusals) {
    const { error } = await detach(args)
    t.match(error, { name: 'RefusedError', message }, args.join(' '))
  }
  t.strictSame(plugins.names(), [], 'nothing was done')
  t.equal((await detach(['--pod', 'shop/web', '--container', 'old'])).code, 0)
  t.strictSame(files(), [
    'net@bare@eth0.json',
    'net@live@eth0.json',
    'net@other@eth0.json',
  ])
  t.equal((await detach(['--pod', 'shop/web'])).code, 0, 'one is left')
  t.equal((await detach(['--container', 'bare'])).code, 0)
  t.strictSame(files(), ['net@other@eth0.json'])
  const none = await detach(['--pod', 'none/none', '--container', 'none'])
  t.strictSame(none.json, { detached: [] }, 'of nobody: the list is run')
})

t.test('both interfaces of one container, or one of them', async (t) => {
  const { attach, detach, files } = rig(t)
  for (const ifname of ['eth0', 'eth1'])
    await attach('c', ['--pod', 'a/b', '--ifname', ifname])
  await detach(['--pod', 'a/b', '--ifname', 'eth1'])
  t.strictSame(files(), ['net@c@eth0.json'])
  await attach('c', ['--pod', 'a/b', '--ifname', 'eth1'])
  t.equal((await detach(['--pod', 'a/b'])).json.detached.length, 2)
})

t.test('names that are none', async (t) => {
  const { attach, detach, plugins } = rig(t)
  const outcomes = [
    ...['eth%d', 'a/b', 'a'.repeat(16)].map((ifname) =>
      attach('c', ['--ifname', ifname]),
    ),
    ...['a/b', '../x', 'a@b', '.x'].map((id) => attach(id)),
    ...['shop', 'a/b/c', '/', 'a/', 'a;b/c', 'a=/b'].map((pod) =>
      attach('c', ['--pod', pod]),
    ),
    ...['shop', 'a/b/c', '/'].map((pod) => detach(['--pod', pod])),
    detach(['--container', 'a/b']),
    detach(['--container', 'c', '--ifname', 'eth%d']),
    detach(['--ifname', 'eth0']),
  ]
  for (const { error } of await Promise.all(outcomes))
    t.match(error, {
      name: 'UsageError',
      message: /is not valid: use |^give --container/,
    })
  t.strictSame(plugins.names(), [])
})

t.test('a record that version 0.1.0 made is detached by its list', async (t) => {
  const { machine, detach, plugins, files, listOf } = rig(t)
  const old = join(machine.folder, 'state', 'attachments')
  mkdirSync(old)
  const fixture = new URL('../fixtures/attachment-0.1.0.record', import.meta.url)
  writeFileSync(join(old, 'azure@web1@eth0.json'), readFileSync(fixture))
  plugins.install('azure-vnet', 'portmap')
  t.equal((await detach(['--pod', 'shop/web'], listOf('x', 'first'))).code, 0)
  t.match(plugins.calls[0]?.config, { runtimeConfig: { portMappings: [MAPPING] } })
  t.strictSame(plugins.names(), ['DEL portmap', 'DEL azure-vnet'])
  t.strictSame(files(), [])
  t.throws(() => readdirSync(old), { code: 'ENOENT' })
})

t.test(
  'detach --gone takes what is gone, of whatever number, and nothing else',
  async (t) => {
    const { machine, plugins, attach, detach, netns } = rig(t)
    await attach('dead', ['--pod', 'shop/web'])
    await attach('dead-too', ['--pod', 'shop/web'])
    // Another file is another namespace.
    rmSync(netns)
    writeFileSync(join(machine.folder, 'keeps the inode taken'), '')
    writeFileSync(netns, '')
    await attach('lives', ['--pod', 'shop/web'])
    plugins.calls.length = 0
    const ids = async (...args: string[]) => {
      const { code, json } = await detach(args)
      t.equal(code, 0)
      const { detached } = json as { detached: { containerId: string }[] }
      return detached.map(({ containerId }) => containerId).sort()
    }
    t.same(await ids('--container', 'lives', '--gone'), [], 'it is not gone')
    t.same(await ids('--container', 'unknown', '--gone'), [], 'no record')
    t.same(plugins.calls, [], 'no plug-in was asked')
    t.same(await ids('--pod', 'shop/web', '--gone'), ['dead', 'dead-too'])
    t.same(await ids('--pod', 'shop/web', '--gone'), [], 'a second time')
    t.same(await ids('--pod', 'shop/web'), ['lives'])
  },
)
