/**
 * Signals of the process, while calls into the addon make threads: all arrive. A thread with
 * descriptors of its own, as a program's start needs, could not tell Node of one.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const file = fileURLToPath(new URL('signals/receiver.mjs', import.meta.url))
const BURSTS = 300

for (const calls of ['spawn', 'sysctl', 'create', 'monitor', 'async']) {
  t.test(`bursts of signals while threads are made: ${calls}`, async (t) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' }
    const options = { encoding: 'utf8', timeout: 600_000, env } as const
    const done = spawnSync(process.execPath, [file, calls, String(BURSTS)], options)
    t.match(done, { status: 0, signal: null, stderr: '' })
    t.strictSame(JSON.parse(done.stdout), { bursts: BURSTS, lost: [] })
  })
}
