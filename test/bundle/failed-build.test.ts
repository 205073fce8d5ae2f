/**
 * A build that does not come to its end: what was there before stays, and nothing of its own.
 * (Builds that do are tried by scripts/check-release.mjs.)
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/build-once.js'

const MODULE = join(ROOT, 'scripts', 'work-folder.mjs')

/** A PATH where Node is, and no compiler. */
function nodeAlone(folder: string): string {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  return bin
}

/** Runs a script of builds; tells how it ended and which work folders it left in build/. */
function build(name: string, PATH: string, ...args: string[]) {
  const options = { encoding: 'utf8', env: { PATH } } as const
  const { pid, status, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts', name), ...args],
    options,
  )
  const left = readdirSync(join(ROOT, 'build')).filter((one) => one.includes(`-${pid}-`))
  return { status, stderr, left }
}

t.test('without a compiler a bundle and a release fail and leave nothing', async (t) => {
  const folder = t.testdir({ release: { 'old.tgz': '' }, bundle: { 'vnet-cni': '' } })
  const PATH = nodeAlone(folder)
  for (const [name, old] of [
    ['release', 'old.tgz'],
    ['bundle', 'vnet-cni'],
  ] as const) {
    const out = join(folder, name)
    const made = build(`${name}.mjs`, PATH, '--arch', 'x64', '--out', out)
    t.equal(made.status, 1)
    t.match(made.stderr, new RegExp(`^${name}: no compiler x86_64-linux-gnu-gcc`, 'm'))
    t.same(readdirSync(out), [old], 'what was there before stays')
    t.same(made.left, [])
  }
  t.same(readdirSync(folder).toSorted(), ['bin', 'bundle', 'release'], 'and nothing else')
})

t.test('nor does an addon for the package', async (t) => {
  const folder = t.testdir()
  const args = ['--out', folder, 'linux-x64-glibc']
  const made = build('prebuild.mjs', nodeAlone(folder), ...args)
  t.equal(made.status, 1)
  t.same(made.left, [])
})

const BODIES = {
  'its end': 'write()',
  'an error': 'write(); throw new Error("as the test wants")',
  'a promise that is kept': 'await 0; write()',
  'a promise that is broken': 'await 0; write(); throw new Error("as the test wants")',
  'the end of the process': 'write(); process.exit(0)',
}

/** Starts a script that works in such a folder, whose path it prints first. */
function worker(folder: string, body: string) {
  const isAsync = body.includes('await') ? 'async ' : ''
  const text = `
    import { writeFileSync } from 'node:fs'
    import { withWorkFolder } from ${JSON.stringify(MODULE)}
    await withWorkFolder(${JSON.stringify(join(folder, 'deep', 'work-'))}, ${isAsync}(path) => {
      const write = () => writeFileSync(path + '/file', 'x')
      console.log(path)
      ${body}
    })`
  return spawn(process.execPath, ['--input-type=module', '--eval', text])
}

for (const [name, body] of Object.entries(BODIES)) {
  t.test(`a work folder goes with ${name}`, async (t) => {
    const child = worker(t.testdir(), body)
    const [path] = await once(child.stdout.setEncoding('utf8'), 'data')
    await once(child, 'close')
    t.match(path, /\/deep\/work-/, 'it was there')
    t.notOk(existsSync(String(path).trim()))
  })
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  t.test(`a work folder goes with ${signal}`, async (t) => {
    const child = worker(
      t.testdir(),
      'write(); return new Promise(() => setInterval(() => {}, 1e6))',
    )
    const [path] = await once(child.stdout.setEncoding('utf8'), 'data')
    const there = String(path).trim()
    t.ok(existsSync(there))
    child.kill(signal)
    const [code] = await once(child, 'close')
    t.ok(code > 128, `status ${code}`)
    t.notOk(existsSync(there))
  })
}
