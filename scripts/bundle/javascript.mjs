// lib/main.ts and all that it can reach, one text a program: all modules in one scope, in which
// values are made when they are first used (late-values.mjs).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { writeLateValues } from './late-values.mjs'
import { COMMANDS, PROGRAMS, root } from '../paths.mjs'

// In the executable the addon comes from its own bytes, not from node_modules.
const embeddedAddon = {
  name: 'embedded-addon',
  setup({ onResolve }) {
    const path = join(root, 'lib', 'addon-embedded.cts')
    onResolve({ filter: /^\.\/addon\.cjs$/ }, () => ({ path }))
  },
}

/** A package that the wire server's answers are read with; most calls never need one. */
const ASIDE = 'fast-xml-parser'

// A program's part of the executable holds that program alone, or the operator's commands.
const onlyProgram = (program) => ({
  name: 'only-program',
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: /^\.\/(plugins\/[^/]+|cli)\/index\.js$/ },
      ({ path, importer }) => {
        const other = /\/main\.[jt]s$/.test(importer) && !path.includes(program)
        return other ? { path, namespace: 'elsewhere' } : undefined
      },
    )
    onLoad({ filter: /.*/, namespace: 'elsewhere' }, () => ({
      contents: 'export function cli() {} export function default$$late() {}',
    }))
  },
})

const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  // Names stay: a stack in the log must be readable. White space is most of the weight.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // In a single executable only require() reaches Node's own modules. Node 24 has `using`, which
  // esbuild's table does not know yet.
  supported: { 'dynamic-import': false, using: true },
  define: { 'process.env.NODE_ENV': '"production"' },
  metafile: true,
  logLevel: 'warning',
}

/** A package is CommonJS. What the loader calls; V8 compiles what is in parentheses at once. */
const PACKAGE = {
  banner: {
    js: '(function(require,embedded){var module={exports:{}},exports=module.exports;',
  },
  footer: { js: 'return module.exports})' },
}

/**
 * Writes our code into the folder, one file for each of PROGRAMS, one for the commands, one for what
 * is set aside. Answers with the text of each program as one scope, with the paths of the package set
 * aside by name, and with the names of all files that went into them.
 */
export async function bundleJavaScript(folder) {
  mkdirSync(folder, { recursive: true })
  const late = join(folder, 'late')
  writeLateValues(join(root, 'lib'), late, { 'addon.js': 'addon-embedded.js' })
  const programs = {}
  const inputs = {}
  const add = async (name, options) => {
    const outfile = join(folder, `${name}.cjs`)
    const { metafile } = await build({ ...OPTIONS, ...options, outfile })
    Object.assign(inputs, Object.values(metafile.outputs)[0].inputs)
    return outfile
  }
  for (const program of [...PROGRAMS, COMMANDS]) {
    const path = await add(program, {
      // Names of modules are in the output: those must not tell of a folder made for this build.
      absWorkingDir: late,
      entryPoints: [join(late, 'bundle.js')],
      external: [ASIDE],
      plugins: [onlyProgram(`/${program}/`)],
    })
    programs[program] = readFileSync(path, 'utf8')
  }
  const packages = { [ASIDE]: await add(ASIDE, { ...PACKAGE, entryPoints: [ASIDE] }) }
  return { programs, packages, inputs }
}

/** Writes the fake kernel, which the code cache is made with, into the folder. */
export async function bundleFakeKernel(folder) {
  const outfile = join(folder, 'fake-kernel.cjs')
  const entryPoints = [join(root, 'lib', 'testing', 'index.ts')]
  await build({ ...OPTIONS, plugins: [embeddedAddon], entryPoints, outfile })
  return outfile
}

/** The licences of the packages that esbuild took something from, in one text. */
export function thirdPartyLicences(inputs) {
  const packages = new Set(
    Object.keys(inputs)
      .map((file) => /^(?:.*node_modules\/)((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1])
      .filter(Boolean),
  )
  return [...packages].sort().map((name) => {
    const { version, license } = readJson(
      join(root, 'node_modules', name, 'package.json'),
    )
    return `${name} ${version} (${license})\n\n${licenceOf(name)}\n`
  })
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

function licenceOf(name) {
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license']) {
    try {
      return readFileSync(join(root, 'node_modules', name, file), 'utf8').trim()
    } catch {
      // Under another name, perhaps.
    }
  }
  return 'The package carries no licence text of its own.'
}

/** Writes the licences beside the executable. */
export function writeLicences(path, inputs, nodeLicence) {
  const parts = [...thirdPartyLicences(inputs), `Node.js\n\n${nodeLicence.trim()}\n`]
  writeFileSync(path, parts.join(`\n${'-'.repeat(78)}\n\n`))
}
