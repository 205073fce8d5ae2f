/**
 * The set-up that `npm test` begins with, in a mount namespace where a package's program and
 * apt-get are ours to hide and to replace.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { ROOT } from '../helpers/build-once.js'
import { must, run } from '../helpers/process.js'

tap.equal(process.getuid?.(), 0, 'these tests need root')

const folder = mkdtempSync(join(tmpdir(), 'setup-'))
tap.teardown(() => rmSync(folder, { recursive: true, force: true }))
const jq = (await must('sh', ['-c', 'realpath "$(command -v jq)"'])).trim()
const calls = join(folder, 'calls')
const apt = join(folder, 'apt-get')

/** What an apt-get does that installs what it is told to. */
const INSTALLS = `[ "$1" = update ] || umount ${jq}`

interface Case {
  /** Shell commands of our apt-get. */
  apt?: string
  /** Runs before, where all is still there. */
  prepare?: string
  /** Runs the set-up; `node scripts/setup.mjs` when absent. */
  command?: string
  env?: Record<string, string>
}

/** Runs the set-up where jq is missing. */
function setUp({ apt: does = INSTALLS, prepare = '', command, env = {} }: Case) {
  writeFileSync(calls, '')
  writeFileSync(apt, `#!/bin/sh\necho "$@" >>${calls}\n${does}\n`)
  chmodSync(apt, 0o755)
  const script = `set -e
    mount --make-rprivate /
    mount --bind ${apt} "$(command -v apt-get)"
    mount --bind /dev/null ${jq}
    ${prepare}
    ${command ?? `exec "$NODE" scripts/setup.mjs "$@"`}`
  const line = ['unshare', '--mount', 'sh', '-c', script, 'sh']
  return {
    run: async (...args: string[]) => {
      const all = { NODE: process.execPath, ...env }
      const set = Object.entries(all).map(([name, value]) => `${name}=${value}`)
      const plain = ['-u', 'NODE_OPTIONS', '-u', 'CI', ...set]
      const told = await run('env', [...plain, ...line, ...args], { cwd: ROOT })
      const asked = readFileSync(calls, 'utf8').trim().split('\n').filter(Boolean)
      return { ...told, asked }
    },
  }
}

const INSTALLED = ['update -qq', 'install -y -qq --no-install-recommends jq']

tap.test('with nothing missing it is silent and asks for nothing', async (t) => {
  const at = setUp({ prepare: `umount ${jq}` })
  t.match(await at.run(), { code: 0, stdout: '', stderr: '', asked: [] })
})

async function refused(t: Test, at: Case, words: RegExp) {
  const { code, stderr, asked } = await setUp(at).run()
  t.equal(code, 3)
  t.match(stderr, /jq \(jq\)/, 'what is missing is named')
  t.match(stderr, words)
  t.same(asked, [], 'nothing was installed')
}

tap.test('without leave it names what is missing, and installs nothing', async (t) => {
  await refused(t, {}, /apt-get install --no-install-recommends jq\n/)
  await refused(t, { env: { CI: 'false' } }, /--yes/)
})

tap.test('with --yes or CI=true it installs that alone', async (t) => {
  const yes = await setUp({}).run('--yes')
  t.match(yes, { code: 0, asked: INSTALLED })
  const ci = await setUp({ env: { CI: 'true' } }).run()
  t.match(ci, { code: 0, asked: INSTALLED })
})

tap.test('on a terminal it asks', async (t) => {
  const pty = `import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:2] + ['scripts/setup.mjs'])
text = b''
while b'[Y/n]' not in text: text += os.read(fd, 1000)
os.write(fd, os.environ['ANSWER'].encode() + b'\\n')
try:
  while os.read(fd, 1000): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`
  const command = `exec python3 -c "$PTY" "$NODE"`
  const answered = async (answer: string) =>
    setUp({ command, env: { PTY: pty, ANSWER: answer } }).run()
  t.match(await answered(''), { code: 0, asked: INSTALLED })
  t.match(await answered('yes'), { code: 0, asked: INSTALLED })
  t.match(await answered('n'), { code: 3, asked: [] })
})

tap.test('where it cannot install, it says why', async (t) => {
  const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups'
  const command = `exec ${nobody} "$NODE" scripts/setup.mjs --yes`
  await refused(t, { command }, /root can install them: run it again with sudo/)
  const prepare = 'mount --bind /dev/null "$(command -v apt-get)"'
  await refused(t, { prepare, env: { CI: 'true' } }, /this is no Debian/)
})

tap.test('an apt-get that fails, or that does not bring what is missing', async (t) => {
  const fails = setUp({ apt: 'echo "E: no such thing" >&2; exit 100' })
  const failed = await fails.run('--yes')
  t.equal(failed.code, 1)
  t.match(failed.stderr, /apt-get update -qq failed:\nE: no such thing/)
  const empty = await setUp({ apt: 'true' }).run('--yes')
  t.equal(empty.code, 3)
  t.match(empty.stderr, /jq is installed and jq is still missing/)
})

tap.test('npm test does it first, and not for unit tests alone', async (t) => {
  const command = 'exec "$NODE" scripts/test.mjs "$@"'
  const at = setUp({ command })
  const whole = await at.run('--reporter=tap', '--disable-coverage')
  t.match(whole, { code: 3, stdout: '', asked: [] })
  const named = await at.run(
    '--reporter=tap',
    '--disable-coverage',
    'test/kernel/x.test.ts',
  )
  t.match(named, { code: 3, stdout: '', asked: [] })
  const unit = ['--reporter=tap', '--disable-coverage', 'test/unit/errors.test.ts']
  const { code, stdout, stderr } = await at.run(...unit)
  t.equal(code, 0)
  t.equal(stderr, '')
  t.match(stdout, /^ok 1 - test\/unit\/errors\.test\.ts/m)
})
