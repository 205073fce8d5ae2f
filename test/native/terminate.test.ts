/**
 * Workers that are terminated at random moments of their calls into the addon: the process lives,
 * and nothing of theirs is left. `node test/native/terminate/driver.mjs kind 1000 seed` does more of
 * one kind.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { makeKinds } from './terminate/kinds.mjs'

const seed = Number(process.env['SEED'] ?? Date.now() & 0x7fffffff)
/** Of each kind; fewer where each takes long, as under a sanitizer. */
const TERMINATIONS = Number(process.env['TERMINATIONS'] ?? 30)
const folder = fileURLToPath(new URL('terminate/', import.meta.url))

function node(file: string, ...args: string[]) {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' }
  const options = { encoding: 'utf8', timeout: 600_000, env } as const
  return spawnSync(process.execPath, [folder + file, ...args], options)
}

t.test('every entry has its kind of calls', async (t) => {
  const done = node('covered.mjs')
  t.match(done, { status: 0, signal: null }, done.stderr)
  t.strictSame(JSON.parse(done.stdout), [], 'what no kind calls')
})

// Only the names are of interest here.
for (const kind of Object.keys(makeKinds({}, {}, ''))) {
  t.test(`${kind} (SEED=${seed} repeats it)`, async (t) => {
    const done = node('driver.mjs', kind, String(TERMINATIONS), String(seed))
    t.match(done, { status: 0, signal: null, stderr: '' })
    t.strictSame(JSON.parse(done.stdout || '{}'), {
      descriptors: 0,
      threads: 0,
      links: 'lo',
    })
  })
}
