import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import tap, { type Test } from 'tap'
import { CONFLIST, SCRIPTS } from '../helpers/plugin-folder.js'
import { must, run, runSync, type Outcome, type RunOptions } from '../helpers/process.js'
import { ARCH, makeRelease, sumUp } from '../helpers/release.js'

const SCRIPT = join(SCRIPTS, 'install-cni-plugin.sh')
const PROGRAMS = ['azure-vnet', 'azure-vnet-ipam', 'loopback', 'portmap', 'vnet-cni']
const skip = process.getuid?.() === 0 || process.env['CI'] ? false : 'it needs root'

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'install-'))
  chmodSync(folder, 0o755)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Place {
  folder: string
  root: string
  bin: string
  conf: string
}

function place(t: Test): Place {
  const folder = folderFor(t)
  const root = join(folder, 'root')
  mkdirSync(root)
  return {
    folder,
    root,
    bin: join(root, 'opt/cni/bin'),
    conf: join(root, 'etc/cni/net.d'),
  }
}

const install = (args: readonly string[], options?: RunOptions): Promise<Outcome> =>
  run('sh', [SCRIPT, ...args], options)

function visible(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

/** A failure is one line with its cure, and leaves neither programs nor lists nor stages. */
function refused(t: Test, outcome: Outcome, pattern: RegExp, at: Place): void {
  t.not(outcome.code, 0, 'exit code')
  t.match(outcome.stderr, pattern)
  t.equal(outcome.stderr.trim().split('\n').length, 1, `one line: ${outcome.stderr}`)
  t.strictSame(visible(at.bin), [], 'no program is there')
  t.strictSame(visible(at.conf), [], 'no list is there')
}

tap.test('from an archive: install, upgrade, remove', { skip }, async (t) => {
  const at = place(t)
  const archive = await makeRelease(at.folder, { version: 'v0.1.0' })
  const first = await install([
    '--archive',
    archive,
    '--root',
    at.root,
    'v0.1.0',
    'v1.0.1',
  ])
  t.equal(first.code, 0, first.stderr)
  t.match(first.stdout, /CNI plug-ins v1\.0\.1 are not needed: loopback and portmap/)
  t.strictSame(visible(at.bin), ['.vnet-cni.manifest', ...PROGRAMS])
  t.equal(
    readFileSync(`${at.conf}/10-azure.conflist`, 'utf8'),
    readFileSync(CONFLIST, 'utf8'),
  )
  const answer = await run(join(at.bin, 'azure-vnet'), [], {
    env: { CNI_COMMAND: 'VERSION' },
  })
  t.match(answer.stdout, /supportedVersions/, 'the program runs')

  const list = readFileSync(CONFLIST, 'utf8').replace('0.3.0', '0.3.1')
  const newer = await makeRelease(at.folder, { version: 'v0.2.0', conflist: list })
  const second = await install(['--archive', newer, '--root', at.root])
  t.equal(second.code, 0, second.stderr)
  t.match(
    readFileSync(`${at.conf}/10-azure.conflist`, 'utf8'),
    /0\.3\.1/,
    'list followed',
  )

  const gone = await install(['--uninstall', '--root', at.root])
  t.equal(gone.code, 0, gone.stderr)
  t.strictSame([visible(at.bin), visible(at.conf)], [[], []], 'nothing is left')
  const twice = await install(['--uninstall', '--root', at.root])
  t.match(twice.stderr, /nothing to remove/)
})

tap.test('a changed list and programs of others are kept', { skip }, async (t) => {
  const at = place(t)
  mkdirSync(at.bin, { recursive: true })
  writeFileSync(join(at.bin, 'portmap'), 'not ours\n', { mode: 0o755 })
  writeFileSync(join(at.bin, 'bridge'), 'not ours\n', { mode: 0o755 })
  const archive = await makeRelease(at.folder, { version: 'v0.1.0' })
  await must('sh', [SCRIPT, '--archive', archive, '--root', at.root])
  const file = join(at.conf, '10-azure.conflist')
  const changed = readFileSync(file, 'utf8').replace('azure0', 'mine0')
  writeFileSync(file, changed)

  const conflist = readFileSync(CONFLIST, 'utf8').replace('0.3.0', '0.3.1')
  const newer = await makeRelease(at.folder, { version: 'v0.2.0', conflist })
  const second = await install(['--archive', newer, '--root', at.root])
  t.match(second.stdout, /kept your changed .*10-azure\.conflist; the new one is .*\.new/)
  t.equal(readFileSync(file, 'utf8'), changed)
  t.equal(readFileSync(`${file}.new`, 'utf8'), conflist)

  const gone = await install(['--uninstall', '--root', at.root])
  t.equal(gone.code, 0, gone.stderr)
  t.strictSame(visible(at.bin), ['bridge', 'portmap'])
  t.equal(readFileSync(join(at.bin, 'portmap'), 'utf8'), 'not ours\n', 'it came back')
  t.strictSame(visible(at.conf), ['10-azure.conflist.saved'])
})

tap.test('from a server on loopback', { skip }, async (t) => {
  const at = place(t)
  await makeRelease(at.folder, { version: 'v0.1.0' })
  await makeRelease(at.folder, { version: 'v0.2.0' })
  const server = createServer((request, response) => {
    const path = join(at.folder, basename(request.url ?? ''))
    if (existsSync(path)) response.end(readFileSync(path))
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const base = ['--base-url', `http://127.0.0.1:${port}/`, '--root', at.root]

  refused(t, await install(base), /names several versions: say which one/, at)
  refused(t, await install([...base, 'v9.9.9']), /names no archive .*v9\.9\.9/, at)
  const dry = await install([...base, '0.2.0', '--dry-run'])
  t.match(dry.stdout, /would install .* from azure-vnet-cni-linux-.*-v0\.2\.0\.tgz/)
  t.strictSame(visible(at.bin), [], 'nothing was changed')
  const done = await install([...base, '0.2.0'])
  t.equal(done.code, 0, done.stderr)
  await install(['--uninstall', '--root', at.root])
  rmSync(join(at.folder, `azure-vnet-cni-linux-${ARCH}-v0.2.0.tgz`))
  rmSync(join(at.bin), { recursive: true })
  rmSync(join(at.conf), { recursive: true })
  refused(t, await install([...base, '0.2.0']), /cannot be downloaded/, at)
})

tap.test('what is wrong with an archive', { skip }, async (t) => {
  const at = place(t)
  const archive = await makeRelease(at.folder, { version: 'v0.1.0' })
  const args = ['--archive', archive, '--root', at.root]
  const sums = join(at.folder, 'SHA256SUMS')
  const good = readFileSync(sums)

  writeFileSync(sums, `${'0'.repeat(64)}  ${basename(archive)}\n`)
  refused(
    t,
    await install(args),
    /has checksum .* damaged or incomplete, get it again/,
    at,
  )
  writeFileSync(sums, `${'0'.repeat(64)}  other.tgz\n`)
  refused(t, await install(args), /has no line for azure-vnet-cni/, at)
  rmSync(sums)
  refused(t, await install(args), /SHA256SUMS is missing: put the release's/, at)
  writeFileSync(sums, good)
  const size = readFileSync(archive).length
  truncateSync(archive, Math.floor(size / 2))
  refused(t, await install(args), /has checksum/, at)
  await sumUp(at.folder)
  refused(t, await install(args), /no complete tar\.gz archive: get it again/, at)
  const none = ['--archive', `${archive}.none`, '--root', at.root]
  refused(t, await install(none), /cannot be read: name an archive that exists/, at)
})

tap.test('what is wrong inside an archive', { skip }, async (t) => {
  const machine = ARCH === 'amd64' ? [0xb7, 0x00] : [0x3e, 0x00]
  const elf = Buffer.alloc(64)
  elf.set([0x7f, 0x45, 0x4c, 0x46])
  elf.set(machine, 18)
  const cases: [string, (folder: string) => void, RegExp][] = [
    [
      'architecture',
      (folder) => writeFileSync(join(folder, 'vnet-cni'), elf),
      /is for another architecture than \w+: take the one for linux-/,
    ],
    [
      'list',
      (folder) => writeFileSync(join(folder, '10-azure.conflist'), '{ "name": '),
      /their list do not work here: .*10-azure\.conflist is not JSON/,
    ],
    [
      'lacking',
      (folder) => rmSync(join(folder, 'portmap')),
      /lacks portmap: get it from another source/,
    ],
    [
      'stranger',
      (folder) => writeFileSync(join(folder, 'passwd'), ''),
      /holds \.\/passwd, which no release has/,
    ],
  ]
  for (const [name, change, pattern] of cases) {
    await t.test(name, async (st) => {
      const at = place(st)
      const archive = await makeRelease(at.folder, { version: 'v0.1.0', change })
      refused(st, await install(['--archive', archive, '--root', at.root]), pattern, at)
    })
  }
})

tap.test('what is wrong with the machine', { skip }, async (t) => {
  const at = place(t)
  const archive = await makeRelease(at.folder, { version: 'v0.1.0' })
  const args = ['--archive', archive, '--root', at.root]
  const setpriv = ['--reuid=65534', '--regid=65534', '--clear-groups', 'sh', SCRIPT]
  refused(t, await run('setpriv', [...setpriv, ...args]), /root is needed: .* sudo/, at)

  const file = join(at.folder, 'a-file')
  writeFileSync(file, '')
  const noDir = await install(['--archive', archive, '--bin-dir', `${file}/x`])
  refused(t, noDir, /a-file\/x cannot be made: use --bin-dir/, at)

  mkdirSync(at.conf, { recursive: true })
  const list = join(at.conf, '10-azure.conflist')
  writeFileSync(list, '{ broken')
  const broken = await install(args)
  t.match(broken.stderr, /correct your network configuration list .* is not JSON/)
  t.strictSame(visible(at.bin), [])
  t.equal(readFileSync(list, 'utf8'), '{ broken', 'it is untouched')
})

tap.test('a full and a read-only file system', { skip }, async (t) => {
  const at = place(t)
  const archive = await makeRelease(at.folder, { version: 'v0.1.0' })
  // In a mount namespace of its own: the mounts go with the shell.
  const mounted = (options: string) => {
    const script = `mkdir -p "$1/opt/cni/bin" "$1/etc/cni/net.d"
      mount -t tmpfs -o ${options} tmpfs "$1/opt/cni/bin"
      sh '${SCRIPT}' --archive "$2" --root "$1"; code=$?
      ls -A "$1/opt/cni/bin" "$1/etc/cni/net.d" | grep -v : ; exit $code`
    const line = ['--mount', 'sh', '-c', script, 'sh', at.root, archive]
    return runSync('unshare', line)
  }
  const full = mounted('size=4k')
  t.match(full.stderr, /(cannot be unpacked|cannot be written|is full).*space/)
  t.equal(full.stdout.trim(), '', 'nothing is left')
  const readOnly = mounted('ro')
  t.match(readOnly.stderr, /opt\/cni\/bin cannot be written: make it writable/)
  t.equal(readOnly.stdout.trim(), '', 'nothing is left')
  t.ok(dirname(archive))
})

tap.test('wrong calls', { skip }, async (t) => {
  const calls: [string[], RegExp][] = [
    [['--frob'], /unknown option --frob: see .* --help/],
    [['--archive'], /--archive needs a value/],
    [['--archive', 'a', '--base-url', 'b'], /exclude each other/],
    [['latest'], /version latest is not valid, use one such as v0\.1\.0/],
    [['v1', 'v2', 'v3'], /too many arguments: v3/],
  ]
  for (const [args, pattern] of calls) {
    const outcome = await install(args)
    t.equal(outcome.code, 2)
    t.match(outcome.stderr, pattern)
  }
  const at = place(t)
  const nowhere = await install(['v0.1.0', '--root', at.root])
  refused(t, nowhere, /knows no release page: use --base-url or --archive/, at)
  t.match((await install(['--help'])).stdout, /usage: install-cni-plugin\.sh/)
})
