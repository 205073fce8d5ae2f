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
import { basename, join } from 'node:path'
import tap, { type Test } from 'tap'
import { CONFLIST, SCRIPTS } from '../helpers/plugin-folder.js'
import { must, run, runSync, type Outcome, type RunOptions } from '../helpers/process.js'
import { ARCH, copyRelease, currentRelease, sumUp, VERSION } from '../helpers/release.js'

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

/** Makes the list of an archive another one, which works as well. */
function newList(folder: string): void {
  const list = readFileSync(CONFLIST, 'utf8').replace('0.3.0', '0.3.1')
  writeFileSync(join(folder, '10-azure.conflist'), list)
}

/** Replaces the program by next to nothing: for archives that no test gets as far as to run. */
function light(folder: string): void {
  writeFileSync(join(folder, 'vnet-cni'), '#!/bin/false\n', { mode: 0o755 })
}

tap.test(
  'the archive of npm run release: install, upgrade, remove',
  { skip },
  async (t) => {
    const at = place(t)
    const archive = await currentRelease()
    const from = ['--archive', archive, '--root', at.root]
    const dry = await install([...from, '--dry-run'])
    t.equal(dry.code, 0, dry.stderr)
    t.match(
      dry.stdout,
      new RegExp(`^would install vnet-cni ${VERSION} .* list in .*: put$`, 'm'),
    )
    t.notOk(existsSync(join(at.root, 'opt')), 'nothing was changed')
    const first = await install([...from, `v${VERSION}`, 'v1.0.1'])
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

    const newer = await copyRelease(at.folder, { version: '99.0.0', change: newList })
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
  },
)

tap.test('a changed list and programs of others are kept', { skip }, async (t) => {
  const at = place(t)
  mkdirSync(at.bin, { recursive: true })
  writeFileSync(join(at.bin, 'portmap'), 'not ours\n', { mode: 0o755 })
  writeFileSync(join(at.bin, 'bridge'), 'not ours\n', { mode: 0o755 })
  await must('sh', [SCRIPT, '--archive', await currentRelease(), '--root', at.root])
  const file = join(at.conf, '10-azure.conflist')
  const changed = readFileSync(file, 'utf8').replace('azure0', 'mine0')
  writeFileSync(file, changed)

  const newer = await copyRelease(at.folder, { version: '99.0.0', change: newList })
  const second = await install(['--archive', newer, '--root', at.root])
  t.match(second.stdout, /kept your changed .*10-azure\.conflist; the new one is .*\.new/)
  t.equal(readFileSync(file, 'utf8'), changed)
  t.match(readFileSync(`${file}.new`, 'utf8'), /0\.3\.1/)

  const gone = await install(['--uninstall', '--root', at.root])
  t.equal(gone.code, 0, gone.stderr)
  t.strictSame(visible(at.bin), ['bridge', 'portmap'])
  t.equal(readFileSync(join(at.bin, 'portmap'), 'utf8'), 'not ours\n', 'it came back')
  t.strictSame(visible(at.conf), ['10-azure.conflist.saved'])
})

/** A plug-in of somebody else's that speaks these versions; none answers nothing of use. */
function theirs(at: Place, name: string, ...versions: string[]): string {
  const answer = JSON.stringify({ cniVersion: '0.4.0', supportedVersions: versions })
  const text = `#!/bin/sh\necho '${answer}'\n`
  mkdirSync(at.bin, { recursive: true })
  writeFileSync(join(at.bin, name), text, { mode: 0o755 })
  return text
}

function podmanList(at: Place, folder = at.conf): string {
  const file = join(folder, '87-podman.conflist')
  const plugins = [{ type: 'bridge' }, { type: 'portmap' }]
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    file,
    JSON.stringify({ cniVersion: '0.4.0', name: 'podman', plugins }, null, 2),
  )
  return file
}

const theirsAre = (at: Place, texts: Record<string, string>) =>
  Object.entries(texts).every(
    ([name, text]) => readFileSync(join(at.bin, name), 'utf8') === text,
  )

tap.test('what lists of others use is not replaced with less', { skip }, async (t) => {
  const archive = await currentRelease()
  const NEWER = ['1.1.0', '1.2.0']
  const cases: [string, (at: Place) => Record<string, string>, RegExp][] = [
    [
      'it speaks a version that ours does not, whose list may be in no folder',
      (at) => ({ portmap: theirs(at, 'portmap', ...NEWER) }),
      /kept .*portmap, which is not ours: it speaks versions of CNI/,
    ],
    [
      'loopback does the same',
      (at) => ({ loopback: theirs(at, 'loopback', '0.3.1') }),
      /kept .*loopback, which is not ours: it does the same/,
    ],
    [
      'a list uses it, whatever it is',
      (at) => {
        podmanList(at)
        return { portmap: theirs(at, 'portmap') }
      },
      /kept .*portmap, which is not ours: .*87-podman\.conflist uses it; --force/,
    ],
    [
      'a list in another folder',
      (at) => {
        podmanList(at, join(at.root, 'opt/cni/config'))
        return { portmap: theirs(at, 'portmap', '0.3.1') }
      },
      /87-podman\.conflist uses it/,
    ],
  ]
  for (const [name, prepare, said] of cases) {
    const at = place(t)
    const texts = prepare(at)
    const before = visible(at.bin)
    const dry = await install(['--archive', archive, '--root', at.root, '--dry-run'])
    t.match(dry.stdout, /would keep/, `${name}: told beforehand`)
    t.strictSame(visible(at.bin), before)
    for (const turn of ['first', 'again']) {
      const { code, stdout, stderr } = await install([
        '--archive',
        archive,
        '--root',
        at.root,
      ])
      t.equal(code, 0, `${name}: ${turn}: ${stderr}`)
      t.match(stdout, said, `${name}: ${turn}`)
      t.ok(theirsAre(at, texts), `${name}: ${turn}: it is the same`)
    }
    const [kept = ''] = Object.keys(texts)
    t.strictSame(visible(at.bin), ['.vnet-cni.manifest', ...PROGRAMS].sort(), name)
    const { stdout } = await install(['--uninstall', '--root', at.root])
    t.match(stdout, new RegExp(`kept .*${kept}`), name)
    t.ok(theirsAre(at, texts), `${name}: and after --uninstall`)
    t.strictSame(visible(at.bin), [kept], name)
  }
})

tap.test('--force replaces it, and --uninstall puts it back', { skip }, async (t) => {
  const at = place(t)
  podmanList(at)
  const texts = {
    portmap: theirs(at, 'portmap', '0.4.0'),
    loopback: theirs(at, 'loopback', '1.0.0'),
  }
  const args = ['--archive', await currentRelease(), '--root', at.root]
  const forced = await install([...args, '--force'])
  t.equal(forced.code, 0, forced.stderr)
  t.notMatch(forced.stdout, /kept/)
  t.notOk(theirsAre(at, texts))
  // As an installer left it that did not look: the next one gives back what is needed.
  const next = await install(args)
  t.match(next.stdout, /kept .*portmap/)
  t.ok(theirsAre(at, texts))
  await install([...args, '--force'])
  const { code } = await install(['--uninstall', '--root', at.root])
  t.equal(code, 0)
  t.ok(theirsAre(at, texts))
  t.strictSame(visible(at.bin), ['loopback', 'portmap'])
})

tap.test('from a server on loopback', { skip }, async (t) => {
  const at = place(t)
  await copyRelease(at.folder)
  await copyRelease(at.folder, { version: 'v99.0.0', change: light })
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const path = join(at.folder, basename(request.url ?? ''))
    if (existsSync(path)) response.end(readFileSync(path))
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const root = ['--root', at.root]
  const base = ['--base-url', `${page}/`, ...root]
  const name = `azure-vnet-cni-linux-${ARCH}-${VERSION}.tgz`

  refused(t, await install(base), /names several versions: say which one/, at)
  refused(t, await install([...base, 'v9.9.9']), /names no archive .*v9\.9\.9/, at)
  const dry = await install([...base, VERSION, '--dry-run'])
  t.match(dry.stdout, new RegExp(`would install .* from ${name} to`))
  t.strictSame(visible(at.bin), [], 'nothing was changed')
  const done = await install([...base, VERSION])
  t.equal(done.code, 0, done.stderr)
  await must('sh', [SCRIPT, '--uninstall', ...root])

  // The release page of the environment, with the folders that such pages have.
  const env = { VNET_CNI_RELEASE_URL: `${page}/releases/` }
  asked.length = 0
  const named = await install([`v${VERSION}`, ...root], { env })
  t.equal(named.code, 0, named.stderr)
  const folder = `/releases/download/v${VERSION}`
  t.strictSame(asked, [`${folder}/SHA256SUMS`, `${folder}/${name}`])
  await must('sh', [SCRIPT, '--uninstall', ...root])
  asked.length = 0
  await install(root, { env })
  t.strictSame(asked, ['/releases/latest/download/SHA256SUMS'])

  rmSync(join(at.folder, name))
  refused(t, await install([...base, VERSION]), /cannot be downloaded: correct/, at)
})

tap.test('what is wrong with an archive', { skip }, async (t) => {
  const at = place(t)
  const archive = await copyRelease(at.folder)
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
      (folder) => {
        light(folder)
        rmSync(join(folder, 'portmap'))
      },
      /lacks portmap: get it from another source/,
    ],
    [
      'stranger',
      (folder) => {
        light(folder)
        writeFileSync(join(folder, 'passwd'), '')
      },
      /holds \.\/passwd, which no release has/,
    ],
  ]
  for (const [name, change, pattern] of cases) {
    await t.test(name, async (st) => {
      const at = place(st)
      const archive = await copyRelease(at.folder, { change })
      refused(st, await install(['--archive', archive, '--root', at.root]), pattern, at)
    })
  }
})

tap.test('what is wrong with the machine', { skip }, async (t) => {
  const at = place(t)
  const archive = await currentRelease()
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
  const archive = await currentRelease()
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
})

tap.test('wrong calls', { skip }, async (t) => {
  const calls: [string[], RegExp][] = [
    [['--frob'], /unknown option --frob: see .* --help/],
    [['--archive'], /--archive needs a value/],
    [['--archive', 'a', '--base-url', 'b'], /exclude each other/],
    [['v'], /version v is not valid/],
    [['latest'], /version latest is not valid, use one such as v0\.1\.0/],
    [['v1', 'v2', 'v3'], /too many arguments: v3/],
  ]
  for (const [args, pattern] of calls) {
    const outcome = await install(args)
    t.equal(outcome.code, 2)
    t.match(outcome.stderr, pattern)
  }
  const at = place(t)
  const env = { VNET_CNI_RELEASE_URL: undefined }
  const nowhere = await install(['v0.1.0', '--root', at.root], { env })
  const told =
    /no release page is configured: use --archive or --base-url, or set VNET_CNI_REL/
  refused(t, nowhere, told, at)
  t.match((await install(['--help'])).stdout, /usage: install-cni-plugin\.sh/)
})
