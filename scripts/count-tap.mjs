// Prints "N passed, N failed[, N skipped]" from the closing summary of a TAP file that tap wrote.
// usage: node scripts/count-tap.mjs FILE
import { readFileSync } from 'node:fs'

const file = process.argv[2]
const summary = readFileSync(file, 'utf8').match(/^# (\{ total: \d+.*\})$/m)?.[1]
if (!summary) {
  console.error(`${file} has no closing summary: the run did not end`)
  process.exit(1)
}
const count = (key) => Number(summary.match(new RegExp(`\\b${key}: (\\d+)`))?.[1] ?? 0)
const skipped = count('skip') + count('todo')
console.log(
  `${count('pass')} passed, ${count('fail')} failed` +
    (skipped ? `, ${skipped} skipped` : ''),
)
process.exit(count('fail') || !count('pass') ? 1 : 0)
