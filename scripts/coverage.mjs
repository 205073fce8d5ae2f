// Line coverage of the rooms that hold policy, by the tests that need no root.
//
//   npm run coverage [-- options of tap]
//
// Prints a table of the rooms and the files below the bound. Exit status 1 when a test fails or a
// room has less than the bound.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from './paths.mjs'

/** Rooms of lib/ that are counted, where they are there. */
const ROOMS = ['engine', 'vnet', 'portmap', 'ipam'].filter((room) =>
  existsSync(join(root, 'lib', room)),
)
/** Percent of lines that each room must have. */
const BOUND = 90
const SUMMARY = join(root, '.tap', 'report', 'coverage-summary.json')

function runTests(options) {
  rmSync(SUMMARY, { force: true })
  const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs')
  const how = ['--coverage-report=json-summary', '--allow-incomplete-coverage']
  const args = [tap, ...how, ...options, 'test/unit/**/*.test.ts']
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  return status === 0
}

/** Whether a source leaves anything to run, rather than types alone. */
function hasCode(source) {
  const compiled = source.replace(/^lib/, 'dist/esm').replace(/\.(c?)ts$/, '.$1js')
  const text = readFileSync(join(root, compiled), 'utf8')
  return /\S/.test(text.replace(/\/\*[^]*?\*\/|\/\/.*$|export \{\};?/gm, ''))
}

/** The counts of each file of a room; one that no test has loaded has none covered. */
function filesOf(room, summary) {
  const folder = join(root, 'lib', room)
  return readdirSync(folder, { recursive: true })
    .filter((name) => /\.c?ts$/.test(name))
    .map((name) => relative(root, join(folder, name)))
    .filter(hasCode)
    .toSorted()
    .map((file) => {
      const lines = summary[join(root, file)]?.lines
      const total = readFileSync(join(root, file), 'utf8').split('\n').length - 1
      return { name: file, covered: lines?.covered ?? 0, total: lines?.total ?? total }
    })
}

function sum(name, parts) {
  const add = (key) => parts.reduce((all, part) => all + part[key], 0)
  return { name, covered: add('covered'), total: add('total') }
}

const percent = ({ covered, total }) => (total === 0 ? 100 : (100 * covered) / total)

function row(part) {
  const { name, covered, total } = part
  // Downwards: 89.96 is not 90.
  const share = (Math.floor(percent(part) * 10) / 10).toFixed(1)
  return `${name.padEnd(40)} ${`${covered}/${total}`.padStart(11)} ${share.padStart(6)} %`
}

const passed = runTests(process.argv.slice(2))
if (!existsSync(SUMMARY)) {
  process.stderr.write('coverage: the tests gave no coverage\n')
  process.exit(1)
}
const summary = JSON.parse(readFileSync(SUMMARY, 'utf8'))
const files = ROOMS.map((room) => filesOf(room, summary))
const rooms = ROOMS.map((room, at) => sum(`lib/${room}`, files[at]))
const poor = files.flat().filter((file) => percent(file) < BOUND)
const low = rooms.filter((room) => percent(room) < BOUND)
const lines = [
  ...rooms.map(row),
  row(sum('all', rooms)),
  ...(poor.length > 0 ? ['', `files below ${BOUND} %:`, ...poor.map(row)] : []),
]
process.stdout.write(`${lines.join('\n')}\n`)
for (const { name } of low)
  process.stderr.write(`coverage: ${name} has less than ${BOUND} % of its lines\n`)
if (!passed) process.stderr.write('coverage: a test failed\n')
process.exitCode = passed && low.length === 0 ? 0 : 1
