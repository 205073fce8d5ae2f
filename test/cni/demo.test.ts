/**
 * The README's first command needs Node and root alone, and says what is missing.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/build-once.js'
import { run } from '../helpers/process.js'

t.equal(process.getuid?.(), 0, 'these tests need root')

const DEMO = ['--import', 'tsx', join(ROOT, 'test', 'demo.ts')]
// The test runner gives its own modules to every child.
const PLAIN = ['env', '-u', 'NODE_OPTIONS']
const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-demo-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** Folders with programs; where `mount` is comes last, because it hides them. */
const PROGRAMS = [
  ...new Set(
    ['/usr/local/sbin', '/usr/local/bin', '/sbin', '/usr/sbin', '/bin', '/usr/bin'].map(
      (path) => realpathSync(path),
    ),
  ),
]

/** Shell commands that put an empty folder over each of those; Node alone stays where it is. */
function hidePrograms(): string {
  const node = realpathSync(process.execPath)
  const lines = PROGRAMS.flatMap((path, at) => {
    const empty = join(folder, `empty-${at}`)
    mkdirSync(empty)
    if (dirname(node) === path) writeFileSync(join(empty, basename(node)), '')
    const keep = `mount --bind '${node}' '${join(empty, basename(node))}'`
    return [
      ...(dirname(node) === path ? [keep] : []),
      `mount --rbind '${empty}' '${path}'`,
    ]
  })
  return ['mount --make-rprivate /', ...lines].join('\n')
}

interface Told {
  ok: boolean
  steps: { name: string; ok: boolean; detail?: string }[]
}

t.test('it shows everything where Node is the only program', async (t) => {
  const look = `const { readdirSync } = require('node:fs')
    process.stderr.write(JSON.stringify(process.argv.slice(1).flatMap((p) => readdirSync(p))))`
  const script = `set -e
    ${hidePrograms()}
    "$NODE" -e "$LOOK" ${PROGRAMS.join(' ')}
    exec "$NODE" "$@"`
  const told = await run(
    'unshare',
    ['--mount', 'sh', '-c', script, 'sh', ...DEMO, '--json'],
    {
      cwd: ROOT,
      env: { NODE: process.execPath, LOOK: look },
    },
  )
  const node = basename(realpathSync(process.execPath))
  const inside = PROGRAMS.includes(dirname(realpathSync(process.execPath)))
  t.equal(told.stderr, JSON.stringify(inside ? [node] : []), 'no other program was there')
  const { ok, steps } = JSON.parse(told.stdout) as Told
  t.same(
    steps.filter((step) => !step.ok),
    [],
    'every step went well',
  )
  t.equal(ok, true)
  t.equal(told.code, 0)
  const names = steps.map(({ name }) => name)
  for (const name of [
    'ADD pod-b',
    'pod-a reaches pod-b',
    'pod-b → Internet',
    'DEL pod-a',
  ])
    t.ok(names.includes(name), name)
})

/** What the demo says when it does not begin; `wrap` is a program that runs it. */
async function refusal(
  wrap: string[],
  extra: Record<string, string> = {},
  ...args: string[]
) {
  const [program = '', ...rest] = [...PLAIN, ...wrap, process.execPath, ...DEMO, ...args]
  const { code, stdout, stderr } = await run(program, rest, {
    cwd: ROOT,
    env: extra,
  })
  t.equal(stdout, '', 'nothing was begun')
  t.equal(code, 1)
  t.equal(stderr.trim().split('\n').length, 1, 'one line')
  return stderr
}

t.test('what is missing is said before it begins, with the cure', async (t) => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  t.match(await refusal(nobody), /need root: run it again with sudo/)
  const bounded = ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin']
  t.match(await refusal(bounded), /may not make .*\(EPERM\): .*--privileged/)
  const none = await refusal([], {}, '--cni-path', '/nowhere')
  t.match(none, /no plug-ins in \/nowhere: npm run build/)
  const absent = await refusal([], {}, '--conflist', '/nowhere')
  t.match(absent, /\/nowhere cannot be read as a network configuration list: ENOENT/)
  const noList = join(folder, 'no-list')
  writeFileSync(noList, '{}')
  t.match(await refusal([], {}, '--conflist', noList), /no-list names no plugins: give/)
  const broken = await refusal([], { VNET_CNI_ADDON: '/nowhere/vnet_cni.node' })
  t.match(broken, /the addon does not work: npm run build makes it anew/)
  const still =
    'mount --make-rprivate / && mount -o bind,ro /proc/sys /proc/sys && exec "$@"'
  const readOnly = ['unshare', '--mount', 'sh', '-c', still, 'sh']
  t.match(await refusal(readOnly), /\/proc\/sys cannot be written: .*--privileged/)
  t.match(await refusal([], {}, '--nonsense'), /see --help/)
})
