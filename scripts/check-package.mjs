// Runs before npm packs (prepack): refuses a package whose compiled parts are missing or older than
// their sources.
//
//   node scripts/check-package.mjs [DIR]
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PLATFORMS, prebuildFile } from './addon/platforms.mjs'
import { root } from './paths.mjs'

const ADDON_SOURCES = ['native', 'scripts/addon', 'binding.gyp']
// What developers' builds leave inside native/.
const NOT_SOURCES = new Set(['build', 'fuzz'])

function newest(path) {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const names = readdirSync(path).filter((name) => !NOT_SOURCES.has(name))
  return Math.max(0, ...names.map((name) => newest(join(path, name))))
}

/** Paths that a manifest's "exports" end in. */
function targets(exported) {
  if (typeof exported === 'string') return [exported]
  return Object.values(exported).flatMap(targets)
}

/** What keeps a folder from being packed, each with its cure. */
function complaints(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const compiled = targets(exports).filter((path) => !existsSync(join(folder, path)))
  const sources = ADDON_SOURCES.map((path) => join(folder, path)).filter(existsSync)
  const changed = Math.max(0, ...sources.map(newest))
  const addons = Object.values(PLATFORMS).map(prebuildFile)
  const there = (path) => existsSync(join(folder, path))
  const absent = addons.filter((path) => !there(path))
  const old = addons.filter(
    (path) => there(path) && statSync(join(folder, path)).mtimeMs < changed,
  )
  return [
    ...compiled.map((path) => `${path} is missing: npm run build:lib makes it`),
    ...absent.map((path) => `${path} is missing: npm run prebuild makes it`),
    ...old.map(
      (path) => `${path} is older than its sources: npm run prebuild makes it anew`,
    ),
  ]
}

const found = complaints(resolve(process.argv[2] ?? root))
for (const line of found) process.stderr.write(`package: ${line}\n`)
if (found.length > 0) process.exitCode = 1
