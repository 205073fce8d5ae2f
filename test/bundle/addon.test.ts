import fs, { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { currentBundle } from '../helpers/bundle.js'
import { run } from '../helpers/process.js'

t.equal(process.getuid?.(), 0, 'these tests need root')
const bundle = await currentBundle()
const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-addon-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const config = JSON.stringify({ cniVersion: '0.3.1', name: 'n', type: 'loopback' })

/**
 * `loopback ADD` for a namespace of its own, in a mount namespace of its own that `prepare`
 * (shell) has changed; strace tells which files were opened.
 */
async function add(prepare: string, environment = '') {
  const script = `set -e
    mount --make-rprivate /
    mount --bind ${bundle} /mnt
    ${prepare}
    exec env -i CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_IFNAME=lo CNI_PATH=/ \
      VNET_CNI_LOG_DIR=${folder} CNI_NETNS=/proc/$PPID/ns/net ${environment} "$PLUGIN"`
  // The shell's parent holds the namespace that the plug-in is to change.
  const outer = 'unshare --mount --net sh -c "$INNER"; exit $?'
  return run('unshare', ['--net', 'sh', '-c', outer], {
    input: config,
    env: {
      PATH: process.env['PATH'] ?? '',
      INNER: script,
      // Where no folder that is mounted over can hide it.
      PLUGIN: '/mnt/loopback',
    },
  })
}
const ok = (outcome: { code: number | null; stdout: string }) =>
  outcome.code === 0 && JSON.parse(outcome.stdout).cniVersion === '0.3.1'

t.test('whichever folder can hold a library is used', async (t) => {
  const readOnly = (path: string) => `mount -t tmpfs -o ro tmpfs ${path}`
  const noexec = (path: string) => `mount -t tmpfs -o noexec tmpfs ${path}`
  t.ok(ok(await add('true')), 'as it is')
  t.ok(ok(await add(noexec('/dev/shm'))), '/dev/shm is mounted noexec')
  t.ok(ok(await add(readOnly('/dev/shm'))), '/dev/shm is read-only')
  // All is read-only but a tmpfs at /var/tmp, the last of the folders.
  const all = ['/dev/shm', '/run', '/tmp'].map(readOnly).join('; ')
  const bound = 'mount -o remount,ro,bind /mnt'
  const last = 'mount -t tmpfs tmpfs /var/tmp'
  t.ok(ok(await add(`${bound}; ${last}; ${all}`)), 'the bundle is on a read-only mount')
  const refused = await add(`${bound}; ${all}; ${readOnly('/var/tmp')}`)
  t.equal(refused.code, 1)
  const { code, msg } = JSON.parse(refused.stdout)
  t.equal(code, 999)
  t.match(msg, /found no folder.*make \/dev\/shm or \/tmp writable.*\/dev\/shm: EROFS/)
})

t.test('files and folders that others left are not touched', async (t) => {
  // Whatever name a library could have been expected under, it is never opened by name.
  const trap = join(folder, 'trap')
  mkdirSync(trap)
  writeFileSync(join(trap, 'vnet_cni.node'), 'not a library')
  writeFileSync(join(trap, 'addon'), 'not a library')
  symlinkSync(join(trap, 'addon'), join(trap, 'vnet-cni'))
  chmodSync(trap, 0o777)
  const planted = ['/dev/shm', '/run', '/tmp'].map(
    (place) =>
      `mount -t tmpfs tmpfs ${place}; mkdir ${place}/.vnet-cni-AAAAAA; ` +
      `chmod 777 ${place}/.vnet-cni-AAAAAA; chown -R 65534 ${place}/.vnet-cni-AAAAAA`,
  )
  t.ok(ok(await add(planted.join('; '), `TMPDIR=${trap} LD_LIBRARY_PATH=`)))
  const names = readdirSync(trap).sort()
  t.same(names, ['addon', 'vnet-cni', 'vnet_cni.node'])
})

t.test('the library has no name while it is loaded, nor afterwards', async (t) => {
  const trace = join(folder, 'trace')
  const traced = await run(
    'unshare',
    [
      ...['--net', 'strace', '-f', '-o', trace, '-e', 'trace=%file'],
      ...['env', '-i', 'CNI_COMMAND=ADD', 'CNI_CONTAINERID=c', 'CNI_IFNAME=lo'],
      ...[`VNET_CNI_LOG_DIR=${folder}`, 'CNI_NETNS=/proc/self/ns/net'],
      join(bundle, 'loopback'),
    ],
    { input: config },
  )
  t.ok(ok(traced), traced.stdout)
  const calls = fs.readFileSync(trace, 'utf8').split('\n')
  const made = calls.filter((line) =>
    /O_CREAT|O_TMPFILE|mkdir|rename| (sym)?link(at)?\(/.test(line),
  )
  const others = made.filter((line) => !line.includes('.log'))
  t.equal(others.length, 1, others.join('\n'))
  t.match(others[0], /O_TMPFILE.*0600\) = \d+/, 'one file without a name, for root alone')
  t.match(others[0], /O_EXCL/, 'and it can get none later')
  t.notOk(existsSync('/dev/shm/vnet_cni.node'))
})

t.test(
  'a call that has used the addon ends at once, with its code and all it said',
  async (t) => {
    const trace = join(folder, 'end')
    const failed = await run(
      'unshare',
      [
        ...['--net', 'strace', '-f', '-o', trace],
        ...['env', '-i', 'CNI_COMMAND=ADD', 'CNI_CONTAINERID=c', 'CNI_IFNAME=lo'],
        ...[`VNET_CNI_LOG_DIR=${folder}`, 'CNI_NETNS=/proc/self/ns/uts'],
        join(bundle, 'loopback'),
      ],
      { input: config },
    )
    t.equal(failed.code, 1)
    const refused = JSON.parse(failed.stdout)
    t.match(refused, { code: 4, msg: /\/proc\/self\/ns\/uts is no network namespace/ })
    const calls = fs.readFileSync(trace, 'utf8').split('\n')
    t.ok(
      calls.some((line) => /setns|nsfs|fstatfs/i.test(line)),
      'the addon has been at work',
    )
    const answered = calls.findLastIndex((line) => / write\(1, /.test(line))
    const rest = calls.slice(answered + 1)
    t.ok(rest.some((line) => line.includes('exit_group(1)')))
    t.notOk(
      rest.some((line) => / (munmap|futex|brk)\(/.test(line)),
      'nothing is freed, no thread is waited for',
    )
  },
)

t.test('a file system without nameless files serves too', (t) => {
  const loaded = loadWith((open) => (path, flags, mode) => {
    if (Number(flags) & 0o20000000) throw new Error('EOPNOTSUPP, as the test wants')
    return open(path, flags, mode)
  })
  t.type(loaded.runSync, 'function')
  t.same(
    readdirSync('/dev/shm').filter((name) => name.startsWith('.vnet-cni')),
    [],
    'neither file nor folder is left',
  )
  t.end()
})

/** Loads the addon as the bundle does, in this process, with another open(2). */
function loadWith(wrap: (open: typeof fs.openSync) => typeof fs.openSync) {
  const require = createRequire(import.meta.url)
  const addon = fs.readFileSync('build/Release/vnet_cni.node')
  Object.assign(globalThis, { embedded: { addon: () => addon, process } })
  const { openSync } = fs
  fs.openSync = wrap(openSync)
  try {
    const loaded = require('../../dist/cjs/addon-embedded.cjs').loadNative()
    // This process is to end as a test does.
    process.off('exit', loaded.exitNow)
    return loaded
  } finally {
    fs.openSync = openSync
  }
}
