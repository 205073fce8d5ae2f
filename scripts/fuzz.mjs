// Builds the fuzzers (native/fuzz, needs clang with libclang-rt) and runs them.
//   npm run fuzz                        every target, 10,000,000 executions each
//   npm run fuzz -- decode.link 50000   one target, so many executions
//   npm run fuzz -- all 50000           every target, so many executions
// Inputs that break something land in native/build/fuzz, named after the target.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const build = join(root, 'native', 'build', 'fuzz')
const program = join(build, 'vnet_fuzz')
const [wanted = 'all', runs = '10000000'] = process.argv.slice(2)

const run = (command, args) =>
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
run('cmake', [
  '-S',
  join(root, 'native'),
  '-B',
  build,
  '-DFUZZ=ON',
  '-DCMAKE_CXX_COMPILER=clang++',
])
run('cmake', ['--build', build])

const known = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')
const targets = wanted === 'all' ? known : [wanted]
if (!targets.every((name) => known.includes(name))) {
  throw new Error(`no target is called ${wanted}; there are ${known.join(', ')}`)
}

let broken = 0
for (const target of targets) {
  const found = join(build, 'corpus', target)
  mkdirSync(found, { recursive: true })
  const seeds = join(root, 'test', 'fuzz', 'corpus', target)
  const done = spawnSync(
    program,
    [
      `--target=${target}`,
      `-runs=${runs}`,
      '-max_len=512',
      '-reduce_inputs=0',
      '-print_final_stats=1',
      `-artifact_prefix=${join(build, target)}-`,
      found,
      ...(existsSync(seeds) ? [seeds] : []),
    ],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: {
        ...process.env,
        ASAN_OPTIONS:
          'malloc_context_size=0:detect_leaks=0:quarantine_size_mb=4:thread_local_quarantine_size_kb=256',
      },
    },
  )
  const executed = /number_of_executed_units: (\d+)/.exec(done.stderr)?.[1] ?? '0'
  console.log(
    `${target}: ${executed} executions, ${done.status === 0 ? 'nothing found' : 'BROKEN'}`,
  )
  if (done.status === 0) continue
  broken++
  console.log(done.stderr.slice(-4000))
}
process.exitCode = broken ? 1 : 0
