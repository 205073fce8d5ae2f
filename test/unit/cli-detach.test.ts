import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DELS, MAPPING, attachRig } from '../helpers/attach-rig.js'

t.test('a program that ran and is missing now', async (t) => {
  const { attach, detach, plugins, files } = attachRig(t)
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
  const { attach, detach, plugins, files } = attachRig(t)
  await attach('c')
  plugins.failing.add('DEL ports')
  plugins.names()
  t.match((await detach(['--container', 'c'])).error, { message: 'ports: will not' })
  const forced = await detach(['--container', 'c', '--force'])
  t.match(forced.stderr, /ports: will not; --force: passed over/)
  t.strictSame(plugins.names(), ['DEL ports', ...DELS])
  t.strictSame(files(), [])
})

t.test('detach without a record runs the list', async (t) => {
  const { detach, plugins } = attachRig(t)
  const done = await detach(['--container', 'x', '--ifname', 'eth5'])
  t.strictSame(done.json, { detached: [] })
  t.strictSame(done.lines, ['nothing was recorded as attached'])
  t.match(plugins.calls[0], {
    env: { CNI_CONTAINERID: 'x', CNI_IFNAME: 'eth5', CNI_NETNS: '' },
  })
  t.strictSame(plugins.names(), DELS)
})

t.test('detach of a damaged record', async (t) => {
  const { detach, plugins, folder, files, listOf } = attachRig(t)
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
  const { detach, folder, plugins, files } = attachRig(t)
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
  const { attach, detach, plugins, files } = attachRig(t)
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

t.test('--gone takes those alone whose namespace is gone', async (t) => {
  const { machine, attach, detach, plugins, folder, files, netns } = attachRig(t)
  await attach('dead', ['--pod', 'a/b'])
  // Another file at the same path: another namespace. Both exist for a moment, so that it has another
  // inode.
  writeFileSync(`${netns}-new`, '')
  renameSync(`${netns}-new`, netns)
  await attach('live', ['--pod', 'a/b'])
  await attach('other', ['--pod', 'a/c'])
  writeFileSync(join(folder, 'net@odd@eth0.json'), '')
  plugins.names()
  const done = await detach(['--pod', 'a/b', '--gone'])
  t.equal(done.code, 0)
  t.match(done.json, { detached: [{ containerId: 'dead' }] })
  t.equal(done.json.detached.length, 1)
  t.match(done.stderr, /^net\/odd\/eth0: the record is damaged .*--container odd$/m)
  t.strictSame(plugins.names(), DELS)
  machine.bootId = 'boot-2'
  const rebooted = await detach(['--container', 'other', '--gone'])
  t.match(rebooted.json, { detached: [{ containerId: 'other' }] })
  t.strictSame((await detach(['--container', 'none', '--gone'])).json, { detached: [] })
  t.strictSame(plugins.names(), DELS, 'without a record nothing is run')
  t.strictSame(files(), ['net@live@eth0.json', 'net@odd@eth0.json.bad'])
})

t.test('both interfaces of one container, or one of them', async (t) => {
  const { attach, detach, files } = attachRig(t)
  for (const ifname of ['eth0', 'eth1'])
    await attach('c', ['--pod', 'a/b', '--ifname', ifname])
  await detach(['--pod', 'a/b', '--ifname', 'eth1'])
  t.strictSame(files(), ['net@c@eth0.json'])
  await attach('c', ['--pod', 'a/b', '--ifname', 'eth1'])
  t.equal((await detach(['--pod', 'a/b'])).json.detached.length, 2)
})

t.test('names that are none', async (t) => {
  const { attach, detach, plugins } = attachRig(t)
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
  const { machine, detach, plugins, files, listOf } = attachRig(t)
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
