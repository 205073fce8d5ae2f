/**
 * Hostile arguments at every native entry: a TypeError with the path of the field, or what the
 * caller's own code threw; never a crash, and nothing done.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

function run(file: string): { status: number | null; lines: unknown[]; stderr: string } {
  const path = fileURLToPath(new URL(`hostile/${file}`, import.meta.url))
  const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' }
  const options = { encoding: 'utf8', timeout: 600_000, env } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], options)
  const lines = stdout.split('\n').filter(Boolean)
  return { status, stderr, lines: lines.map((line) => JSON.parse(line) as unknown) }
}

interface Taken {
  readonly name: string
  readonly place: string
  readonly what: string
  readonly said: string
}

// What is right where it was given.
function isRight({ name, place, what, said }: Taken): boolean {
  if (said !== 'took it') return false
  const callback = ['spawn.2', 'openMonitor.4'].includes(`${name}.${place}`)
  const functions = ['a function', 'a class', 'a revoked proxy of a function']
  // These have no members of their own: they are empty objects, which some arguments may be.
  const empty = ['a proxy that lies about its length', 'a proxy of a handle']
  return (
    (callback && functions.includes(what)) ||
    (place.endsWith('.args') && empty.includes(what))
  )
}

t.test('every value in every place of every entry', async (t) => {
  const { status, lines, stderr } = run('run.mjs')
  t.match({ status, stderr }, { status: 0, stderr: '' })
  t.strictSame(
    (lines.slice(0, -1) as Taken[]).filter((one) => !isRight(one)),
    [],
    'all is refused',
  )
  t.match(lines.at(-1), { unknown: [], gone: [], links: 'lo' }, 'every entry was met')
})

t.test('what code of the caller does while it is read', async (t) => {
  const { status, lines, stderr } = run('reading.mjs')
  t.match({ status, stderr }, { status: 0, stderr: '' })
  const unknown = { errno: 22, extAck: 'Unknown attribute type' }
  const detached = /^TypeError: link\.get\.unknown\.0\.data: must not be a view of/
  const expected: [string, unknown][] = [
    ['steps grow', 2],
    ['steps go', /^TypeError: steps: must hold objects/],
    ['namespaces grow', 1],
    ['undo grows', 1],
    ['accept grows', 1],
    ['the names of members grow', 1],
    ['a list in the arguments grows', unknown],
    ['members come and go', 1],
    ['the same call from within', 1],
    ['endless calls from within', /^RangeError: Maximum call stack/],
    ['the namespace is closed', 1],
    ['the namespace is closed while a program is described', 'started'],
    ['the namespace is closed while kinds are read', 'opened'],
    ['kinds grow', 'opened'],
    ['bytes are detached by a member before them', detached],
    ['bytes become fewer by a member before them', detached],
    ['a view that goes with its buffer', unknown],
    ['much in little', /^TypeError: link\.get\.[\w.]+: must not be so much/],
    ['a reference in another order', 2],
    ['a reference as a bigint', 2],
    ['a step with more', /^TypeError: link\.get\.arguments: is not a member of a step/],
    ['own words for an array', 'SyntaxError: own words'],
  ]
  t.equal(lines.length, expected.length)
  expected.forEach(([name, said], i) => t.match(lines[i], { name, said }, name))
})

t.test('what others put on prototypes is no argument and meets no answer', async (t) => {
  const { status, lines, stderr } = run('polluted.mjs')
  t.match({ status, stderr }, { status: 0, stderr: '' })
  const { before, after, ran } = lines[0] as Record<string, { sync?: unknown }>
  t.equal(ran, 0, 'none of their code ran')
  t.match(before?.sync, { failure: { errno: 19 }, results: { length: 5 } })
  t.strictSame(after, before)
})
