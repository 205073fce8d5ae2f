import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const NOBODY = 65534
const script = fileURLToPath(new URL('rootless-script.mjs', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const isRoot = process.getuid?.() === 0

/** A command as an ordinary user, and in a user namespace where it is root. */
const drop = isRoot
  ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
  : []
const rootless = [...drop, 'unshare', '-Urn']
// Without what the test runner has every node load.
const node = ['env', '-u', 'NODE_OPTIONS', process.execPath]

function run(argv: string[]) {
  const [command = '', ...args] = argv
  return spawnSync(command, args, { encoding: 'utf8', cwd: root })
}

const allowed = run([...rootless, 'true']).status === 0
const forbidden = 'the kernel does not let ordinary users make user namespaces'

t.test('a user in a namespace of its own', { skip: !allowed && forbidden }, async (t) => {
  const done = run([...rootless, ...node, script])
  t.match(done, { status: 0, signal: null, stderr: '' })
  t.strictSame(done.stdout.trim().split('\n'), [
    'links across namespaces',
    'a failed plan is undone',
    'nft and sysctl',
    'what needs the real root says EPERM or EACCES',
    'the thread stays where it was',
  ])
})

t.test('a user without one is told EPERM', async (t) => {
  const code = `import { NetNs } from 'vnet-cni'
    try { NetNs.create() } catch (e) { console.log(e.name, e.code, e.syscall) }`
  const done = run([...drop, ...node, '--input-type=module', '-e', code])
  t.equal(done.stdout.trim(), 'SyscallError EPERM unshare', done.stderr)
})
