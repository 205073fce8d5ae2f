// Looks at the imports between the rooms of lib/, type imports included: prints those that go round
// in a circle and fails, or with --mermaid draws them all. That no files import each other in a
// circle is the linter's to say (import/no-cycle); two rooms can, though none of their files do.
//
//   node scripts/check-imports.mjs [--mermaid]
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const lib = join(dirname(fileURLToPath(import.meta.url)), '..', 'lib')

/** Folders that are rooms of their own, although they lie in another. */
const INNER = ['netlink/base', 'netlink/objects', 'cni/spec', 'cni/plugin', 'cni/runtime']

/** The room of a file: its first folder or an inner one; a file of lib/ itself is its own. */
function roomOf(file) {
  const inner = INNER.find((folder) => file.startsWith(`${folder}/`))
  return inner ?? (file.includes('/') ? file.split('/')[0] : file.replace(/\.c?ts$/, ''))
}

/** What a file imports from lib/, as paths below it without their endings. */
function importsOf(file) {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(lib, file), 'utf8'))
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => relative(lib, join(lib, dirname(file), fileName)))
}

const rooms = new Map()
for (const file of readdirSync(lib, { recursive: true, encoding: 'utf8' })) {
  if (!/\.c?ts$/.test(file)) continue
  const from = roomOf(file)
  if (!rooms.has(from)) rooms.set(from, new Set())
  for (const target of importsOf(file)) {
    const to = roomOf(target.replace(/\.(c?)js$/, '.$1ts'))
    if (to !== from) rooms.get(from).add(to)
  }
}

const done = new Set()

/** A way from this room on that comes back to a room on it, or undefined. */
function circle(room, way = []) {
  const at = way.indexOf(room)
  if (at >= 0) return [...way.slice(at), room]
  if (done.has(room)) return undefined
  for (const next of rooms.get(room) ?? []) {
    const found = circle(next, [...way, room])
    if (found) return found
  }
  done.add(room)
  return undefined
}

if (process.argv.includes('--mermaid')) {
  const id = (room) => room.replace(/\W/g, '_')
  console.log('flowchart TD')
  for (const [from, targets] of [...rooms].toSorted()) {
    console.log(`  ${id(from)}["${from}"]`)
    for (const to of [...targets].toSorted()) console.log(`  ${id(from)} --> ${id(to)}`)
  }
}
const found = [...rooms.keys()].map((room) => circle(room)).find(Boolean)
if (found) {
  console.error(`lib: rooms import each other in a circle: ${found.join(' → ')}`)
  process.exitCode = 1
}
