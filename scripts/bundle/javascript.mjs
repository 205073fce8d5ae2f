// lib/main.ts and all that it can reach as one CommonJS file. Every module stays a function
// that runs when it is first imported, so what a verb does not import is never evaluated.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../paths.mjs'

// In the executable the addon comes from its own bytes, not from node_modules.
const embeddedAddon = {
  name: 'embedded-addon',
  setup({ onResolve }) {
    const path = join(root, 'lib', 'addon-embedded.cts')
    onResolve({ filter: /^\.\/addon\.cjs$/ }, () => ({ path }))
  },
}

/** Writes `main.cjs` into the folder; answers with its path and esbuild's list of inputs. */
export async function bundleJavaScript(folder) {
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, 'main.cjs')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'lib', 'bundle.ts')],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    // Names stay: a stack in the log must be readable. White space is most of the weight.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // What the loader calls. V8 compiles what is in parentheses at once.
    banner: {
      js: '(function(require,embedded){var module={exports:{}},exports=module.exports;',
    },
    footer: { js: '})' },
    // In a single executable only require() reaches Node's own modules.
    supported: { 'dynamic-import': false },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [embeddedAddon],
    metafile: true,
    logLevel: 'warning',
  })
  return { outfile, inputs: Object.values(metafile.outputs)[0].inputs }
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
