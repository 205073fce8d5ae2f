import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const child = fileURLToPath(new URL('../helpers/monitor/exit.mjs', import.meta.url))

// Neither a crash nor a hang, wherever the end of the process finds a monitor.
for (const stage of [
  'opened',
  'exit while waiting',
  'exit with events waiting',
  'exit while events come',
  'uncaught error',
  'forgotten',
  'worker ends',
  'worker exits by itself',
  'process exits with a worker',
  'many workers',
]) {
  t.test(stage, async (t) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: '' }
    const options = { encoding: 'utf8', timeout: 600_000, env } as const
    const done = spawnSync(process.execPath, ['--expose-gc', child, stage], options)
    t.match(done, { status: 0, signal: null, stderr: '' })
  })
}
