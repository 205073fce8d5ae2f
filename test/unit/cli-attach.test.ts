import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ADDS, DELS, MAPPING, attachRig } from '../helpers/attach-rig.js'

t.test('attach and detach', async (t) => {
  const { plugins, attach, detach, files, netns, record } = attachRig(t)
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
  const { machine, plugins, attach, files, record } = attachRig(t)
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
  const { attach, detach, plugins, folder, listOf, files } = attachRig(t)
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
  const { attach, plugins, record } = attachRig(t)
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
  const { attach, plugins, files } = attachRig(t)
  plugins.failing.add('ADD second')
  const failed = await attach('c')
  t.match(failed.error, { code: 11, message: 'second: will not' })
  t.strictSame(plugins.names(), ['ADD first', 'ADD second', 'DEL second', 'DEL first'])
  t.strictSame(files(), [])
})

t.test('a program that is not there needs no DEL', async (t) => {
  const { attach, plugins, files, listOf } = attachRig(t)
  const bad = listOf('bad', 'first', 'absent', 'ports')
  const failed = await attach('c', [], bad)
  t.match(failed.error, { code: 105, message: /^absent: not found \(plugins\[1\]/ })
  t.strictSame(plugins.names(), ['ADD first', 'DEL first'])
  t.strictSame(files(), [])
  t.equal((await attach('c')).code, 0)
  t.strictSame(plugins.names(), ADDS)
})

t.test('a failed undo is finished by a later attach with a good list', async (t) => {
  const { attach, plugins, files, listOf, record } = attachRig(t)
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
  const { attach, detach, plugins, files, listOf } = attachRig(t)
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
  const { attach, detach, plugins, record } = attachRig(t)
  plugins.hanging.add('ADD second')
  void attach('c')
  while (plugins.calls.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.match(record('net@c@eth0.json').runs, [{ ended: true }, { ended: false }])
  plugins.names()
  t.equal((await detach(['--container', 'c'])).code, 0)
  t.match(plugins.calls[0]?.config, { prevResult: { dns: { domain: 'first' } } })
  t.strictSame(plugins.names(), ['DEL second', 'DEL first'])
})

t.test('an attachment by the same name is taken back first', async (t) => {
  const { attach, plugins, files, listOf } = attachRig(t)
  await attach('c', ['-p', '8080:80'])
  await attach('c', ['--ifname', 'eth1'])
  plugins.names()
  const other = listOf('other', 'second')
  t.equal((await attach('c', [], other)).code, 0)
  t.strictSame(plugins.names(), [...DELS, 'ADD second'])
  t.strictSame(files(), ['net@c@eth1.json', 'other@c@eth0.json'])
})

t.test(
  'detach --gone takes what is gone, of whatever number, and nothing else',
  async (t) => {
    const { machine, plugins, attach, detach, netns } = attachRig(t)
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
