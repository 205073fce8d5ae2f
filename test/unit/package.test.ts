import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import * as esm from 'vnet-cni'
import { VERSION } from '../../dist/esm/version.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  files: string[]
  exports: Record<'.', Record<string, Record<string, string>>>
}

/** Modules that run as a program when they are loaded. */
const PROGRAMS = new Set(['bundle.js'])

function modules(folder: string): string[] {
  const all = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return all.filter((name) => /\.(js|cjs)$/.test(name)).toSorted()
}

t.test('the version is the package’s', async (t) => {
  t.equal(VERSION, manifest.version)
})

t.test('every module of the ESM build can be imported', async (t) => {
  const names = modules('dist/esm').filter((name) => !PROGRAMS.has(name))
  t.ok(names.length > 40)
  for (const name of names) {
    const url = pathToFileURL(join(root, 'dist/esm', name)).href
    const loaded = (await import(url)) as object
    t.type(loaded, 'object', name)
  }
})

t.test('every module of the CommonJS build can be required', async (t) => {
  const names = modules('dist/cjs')
  t.strictSame(names, modules('dist/esm'), 'both builds have the same modules')
  for (const name of names.filter((n) => !PROGRAMS.has(n))) {
    const loaded = require(join(root, 'dist/cjs', name)) as object
    const url = pathToFileURL(join(root, 'dist/esm', name)).href
    const keys = (o: object) =>
      Object.keys(o)
        .filter((k) => !isMarker(k))
        .toSorted()
    const other = (await import(url)) as object
    t.strictSame(keys(loaded), keys(other), name)
  }
})

/** Names that the compiler or Node adds to a module. */
function isMarker(key: string): boolean {
  return key === '__esModule' || key === 'module.exports' || key === 'default'
}

t.test('both ways into the package offer the same, and only once', async (t) => {
  const cjs = require('vnet-cni') as typeof esm
  t.strictSame(Object.keys(cjs).toSorted(), Object.keys(esm).toSorted())
  for (const name of ['NetNs', 'NetlinkError', 'SyscallError', 'Transaction'] as const) {
    t.type(new Map(Object.entries(esm)).get(name), 'function')
  }
  t.throws(() => require('vnet-cni/dist/esm/binding.js'), {
    code: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
  })
})

t.test('what the manifest names is there', async (t) => {
  for (const targets of Object.values(manifest.exports['.'])) {
    for (const path of Object.values(targets)) t.ok(existsSync(join(root, path)), path)
  }
  // What is left out need not be there.
  const files = manifest.files.filter((path) => !path.startsWith('!'))
  for (const path of files)
    t.ok(existsSync(join(root, path.replace(/\*\.\w+$/, ''))), path)
})
