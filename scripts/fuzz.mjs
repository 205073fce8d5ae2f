// Builds the fuzzers (native/fuzz, needs clang with libclang-rt) and runs them.
//   npm run fuzz                        every target, 10,000,000 executions each
//   npm run fuzz -- decode.link 50000   one target, so many executions
//   npm run fuzz -- all 50000           every target, so many executions
//   npm run fuzz -- --all 10000000      every target by turns, until each has had so many with the
//                                       program as it is built now, of this run and those before;
//                                       with --until 16:00 it stops at that time. It ends with the
//                                       table of what each has had (docs/fuzzing.md)
//   npm run fuzz -- --table             that table alone
// Inputs that break something land in native/build/fuzz, named after the target.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const SLICE = 100_000
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const build = join(root, 'native', 'build', 'fuzz')
const program = join(build, 'vnet_fuzz')
const ledger = join(build, 'executions.json')

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'string' },
    until: { type: 'string' },
    table: { type: 'boolean', default: false },
  },
})

function buildFuzzer() {
  const run = (command, args) =>
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const native = join(root, 'native')
  const settings = ['-DFUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++']
  run('cmake', ['-S', native, '-B', build, ...settings])
  run('cmake', ['--build', build])
}

const known = () =>
  execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')

/** Runs a target so often, on what was found before and the seeds; tells how often it was. */
function execute(target, runs) {
  const found = join(build, 'corpus', target)
  mkdirSync(found, { recursive: true })
  const seeds = join(root, 'test', 'fuzz', 'corpus', target)
  const args = [
    `--target=${target}`,
    `-runs=${runs}`,
    '-max_len=512',
    '-reduce_inputs=0',
    '-print_final_stats=1',
    `-artifact_prefix=${join(build, target)}-`,
    found,
    ...(existsSync(seeds) ? [seeds] : []),
  ]
  const quiet =
    'malloc_context_size=0:detect_leaks=0:quarantine_size_mb=4:thread_local_quarantine_size_kb=256'
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ASAN_OPTIONS: quiet },
  })
  const executed = Number(/number_of_executed_units: (\d+)/.exec(done.stderr)?.[1] ?? 0)
  return { executed, sound: done.status === 0, said: done.stderr.slice(-4000) }
}

/** Each of the targets once. */
function once(targets, runs) {
  let broken = 0
  for (const target of targets) {
    const { executed, sound, said } = execute(target, runs)
    console.log(
      `${target}: ${executed} executions, ${sound ? 'nothing found' : 'BROKEN'}`,
    )
    if (sound) continue
    broken++
    console.log(said)
  }
  return broken
}

// Another program has none: what it was built of may have changed.
function readLedger() {
  const hash = createHash('sha256').update(readFileSync(program)).digest('hex')
  const kept = existsSync(ledger) ? JSON.parse(readFileSync(ledger, 'utf8')) : {}
  return kept.program === hash ? kept : { program: hash, executions: {}, broken: [] }
}

/** The targets by turns, a slice each, so that a run that is cut short has had of all. */
function byTurns(targets, wanted, ended) {
  const counts = readLedger()
  const of = (target) => counts.executions[target] ?? 0
  const open = () =>
    targets.filter((t) => of(t) < wanted && !counts.broken.includes(t) && !ended())
  for (let turn = open(); turn.length > 0; turn = open()) {
    for (const target of turn) {
      if (ended()) break
      const runs = Math.min(SLICE, wanted - of(target))
      const { executed, sound, said } = execute(target, runs)
      counts.executions[target] = of(target) + executed
      if (!sound) {
        counts.broken.push(target)
        console.log(`${target}: BROKEN\n${said}`)
      }
      writeFileSync(ledger, JSON.stringify(counts))
    }
  }
}

function printTable(targets) {
  const { executions, broken } = readLedger()
  console.log('| target | executions |\n|---|---:|')
  for (const target of targets) {
    const count = (executions[target] ?? 0).toLocaleString('en')
    console.log(
      `| \`${target}\` | ${count}${broken.includes(target) ? ', BROKEN' : ''} |`,
    )
  }
  return broken.length
}

/** Whether the time of day `HH:MM` that comes next has passed. */
function clock(text) {
  if (text === undefined) return () => false
  const [hours, minutes] = text.split(':').map(Number)
  const end = new Date()
  end.setHours(hours, minutes, 0, 0)
  if (Number.isNaN(end.getTime())) throw new Error(`--until: ${text} is no time of day`)
  if (end < new Date()) end.setDate(end.getDate() + 1)
  return () => new Date() >= end
}

function main() {
  if (!options.table) buildFuzzer()
  const targets = known()
  if (options.table) return printTable(targets)
  if (options.all !== undefined) {
    const wanted = Number(options.all)
    if (!(wanted > 0)) throw new Error('--all: give a number of executions')
    byTurns(targets, wanted, clock(options.until))
    return printTable(targets)
  }
  const [wanted = 'all', runs = '10000000'] = positionals
  if (wanted !== 'all' && !targets.includes(wanted)) {
    throw new Error(`no target is called ${wanted}; there are ${targets.join(', ')}`)
  }
  return once(wanted === 'all' ? targets : [wanted], runs)
}

process.exitCode = main() ? 1 : 0
