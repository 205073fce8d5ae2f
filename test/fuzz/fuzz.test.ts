import { spawnSync } from 'node:child_process'
import t from 'tap'

// The short form of `npm run fuzz`: every target with its seeds. It needs clang and its
// run-time library; a machine without them says so by a skip that names the package.
const clang = spawnSync('clang++', ['--version'])
const missing =
  clang.status !== 0 && 'clang++ is absent: install clang and libclang-rt-14-dev'

t.test('no target finds anything', { skip: missing, timeout: 1_800_000 }, async (t) => {
  const runs = process.env['FUZZ_RUNS'] ?? '20000'
  const script = new URL('../../scripts/fuzz.mjs', import.meta.url).pathname
  const done = spawnSync(process.execPath, [script, 'all', runs], { encoding: 'utf8' })
  t.equal(done.status, 0, done.stdout + done.stderr)
  const lines = done.stdout.trim().split('\n')
  t.ok(lines.length >= 19, `${lines.length} targets ran`)
  for (const line of lines) t.match(line, /: \d+ executions, nothing found$/)
})
