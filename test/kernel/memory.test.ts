import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.test('memory stays flat over 10,000 operations', async (t) => {
  const script = fileURLToPath(new URL('../../bench/memory.mjs', import.meta.url))
  const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' }
  const done = spawnSync(
    process.execPath,
    ['--expose-gc', '--max-semi-space-size=1', script, '10000'],
    {
      encoding: 'utf8',
      env,
    },
  )
  t.equal(done.status, 0, done.stdout + done.stderr)
  t.match(done.stdout, /10000 operations: /)
})
