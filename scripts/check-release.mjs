// Makes the release for both architectures and tries it, as `.ci/run` does once: it takes minutes, so
// it is no test with a clock. Prints TAP.
//
//   node scripts/check-release.mjs
//
// Leaves dist/bundle, the second build, which the tests are run on. Needs root, g++ for both
// architectures, qemu-aarch64-static (setup.mjs).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { archiveName, CONFLIST, pack } from './archive.mjs'
import { ARCHITECTURES, bundleFolder, EXECUTABLE, PROGRAMS, root } from './paths.mjs'
import { Tap } from './tap.mjs'
import { withWorkFolder } from './work-folder.mjs'

const INSTALLER = join(root, 'scripts', 'install-cni-plugin.sh')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

function output(command, args, options = {}) {
  return execFileSync(command, args, { encoding: 'utf8', ...options })
}

/** Runs one of our scripts; its own words go to stderr, which is no TAP. */
function script(name, ...args) {
  const stdio = ['ignore', 2, 2]
  execFileSync(process.execPath, [join(root, 'scripts', name), ...args], { stdio })
}

const leftovers = () =>
  ['build', 'dist'].flatMap((folder) =>
    readdirSync(join(root, folder)).filter((name) => /^bundle-|\.new-/.test(name)),
  )

/** What the archive's table of contents says, and the bytes of its program. */
function checkContent(archive, folder) {
  const lines = output('tar', ['-tvzf', archive, '--full-time']).trim().split('\n')
  assert.deepEqual(
    lines.map((line) => line.replace(/^.*:00 /, '')),
    [
      './',
      `./${CONFLIST}`,
      './LICENSES.txt',
      ...PROGRAMS.toSorted().map((name) => `./${name} -> ${EXECUTABLE}`),
      `./${EXECUTABLE}`,
      `./${EXECUTABLE}.sha256`,
    ],
  )
  for (const line of lines) assert.match(line, /^\S+ 0\/0 +\d+ 1970-01-01 00:00:00 /)
  mkdirSync(folder)
  output('tar', ['-xzf', archive, '-C', folder])
  output('sha256sum', ['--check', '--strict', `${EXECUTABLE}.sha256`], { cwd: folder })
  const told = readFileSync(join(folder, EXECUTABLE)).includes(root)
  assert.equal(told, false, 'the path of the checkout is in it')
  const list = readFileSync(join(folder, CONFLIST))
  assert.ok(list.equals(readFileSync(join(root, 'conf', CONFLIST))), CONFLIST)
}

/**
 * Environment in which a shell takes this machine for an arm64 one: uname says so, and such
 * programs run in qemu.
 */
function asArm64(work) {
  const library = join(work, 'arm64-exec.so')
  const qemu = output('sh', ['-c', 'command -v qemu-aarch64-static']).trim()
  const source = join(root, 'scripts', 'arm64-exec.c')
  output('gcc', ['-shared', '-fPIC', `-DQEMU="${qemu}"`, source, '-o', library])
  const bin = join(work, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'uname'), '#!/bin/sh\necho aarch64\n')
  chmodSync(join(bin, 'uname'), 0o755)
  return { LD_PRELOAD: library, PATH: `${bin}:${process.env.PATH}` }
}

/** Installs an archive below a folder and asks each program for its versions. */
function install(archive, target, environment) {
  const env = { ...process.env, ...environment }
  const said = output('sh', [INSTALLER, '--archive', archive, '--root', target], { env })
  assert.match(said, new RegExp(`installed vnet-cni ${version} .*to ${target}`))
  // The shell's own exec, which is the one that arm64-exec.c sees.
  const call = `printf '%s' "$CONFIG" | CNI_COMMAND=VERSION "$PROGRAM"`
  for (const name of PROGRAMS) {
    const PROGRAM = join(target, 'opt', 'cni', 'bin', name)
    const CONFIG = '{"cniVersion":"0.3.1"}'
    const told = output('sh', ['-c', call], { env: { ...env, PROGRAM, CONFIG } })
    const { cniVersion, supportedVersions } = JSON.parse(told)
    assert.equal(cniVersion, '0.3.1', name)
    assert.ok(supportedVersions.includes('0.3.1'), name)
  }
}

async function checkAll(work, tap) {
  const release = join(work, 'release')
  const known = Object.keys(ARCHITECTURES)
  const before = leftovers()
  await tap.check('both archives are made', () => script('release.mjs', '--out', release))
  if (!tap.ok) return
  await tap.check('SHA256SUMS has them both, and holds', () => {
    const sums = readFileSync(join(release, 'SHA256SUMS'), 'utf8').trim().split('\n')
    assert.deepEqual(
      sums.map((line) => line.split('  ')[1]),
      known.map(archiveName),
    )
    output('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: release })
    assert.deepEqual(readdirSync(release).toSorted(), [
      'SHA256SUMS',
      ...known.map(archiveName),
    ])
  })
  for (const arch of known) {
    const archive = join(release, archiveName(arch))
    await tap.check(
      `${arch}: the archive holds the programs and the list, and says nothing of its maker`,
      () => checkContent(archive, join(work, `content-${arch}`)),
    )
    await tap.check(`${arch}: it is installed, and each program answers VERSION`, () => {
      const foreign = arch === process.arch ? {} : asArm64(work)
      install(archive, join(work, `root-${arch}`), foreign)
    })
  }
  await tap.check('a second build is equal byte for byte', () => {
    script('bundle.mjs')
    const copy = join(work, 'second')
    cpSync(bundleFolder(process.arch), copy, { recursive: true, verbatimSymlinks: true })
    const name = pack(copy, process.arch, work)
    output('cmp', [join(work, name), join(release, name)])
  })
  await tap.check('no work folder is left', () => assert.deepEqual(leftovers(), before))
}

const tap = new Tap()
await withWorkFolder(join(root, 'build', 'check-'), (work) => checkAll(work, tap))
process.exitCode = tap.end() ? 0 : 1
