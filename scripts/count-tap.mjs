// Prints "N passed, N failed[, N skipped]" from the closing summaries of TAP files, as tap and
// tap.mjs write them.
//
//   node scripts/count-tap.mjs FILE…
import { readFileSync } from 'node:fs'

/** The counts of one run; a run without a summary did not end. */
function countsOf(file) {
  const summary = readFileSync(file, 'utf8').match(/^# (\{ total: \d+.*\})$/m)?.[1]
  if (!summary) throw new Error(`${file} has no closing summary: the run did not end`)
  const count = (key) => Number(summary.match(new RegExp(`\\b${key}: (\\d+)`))?.[1] ?? 0)
  return {
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skip') + count('todo'),
  }
}

try {
  const runs = process.argv.slice(2).map(countsOf)
  const sum = (key) => runs.reduce((total, run) => total + run[key], 0)
  const skipped = sum('skipped') ? `, ${sum('skipped')} skipped` : ''
  console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped}`)
  const good = runs.length > 0 && runs.every((run) => run.passed > 0 && !run.failed)
  process.exitCode = good ? 0 : 1
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
