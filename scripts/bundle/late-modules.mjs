// Writes our modules as CommonJS in which each is evaluated when something of it is first used, not
// when something that might use it is imported: a call needs half of what it can reach, and a cold
// start pays for every table and class. `import { x } from './a.js'` becomes `require('./a.js').x` at
// every use, past the modules that only pass names on. For modules without side effects, as
// package.json says ours are.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import typescript from 'typescript'

const { ModuleKind, ScriptTarget, transpileModule } = typescript

/** What TypeScript writes for an import, a re-export of everything, and one of a name. */
const IMPORT = /^(?:const|var) (\w+) = require\("(\.[^"]+)"\);\n/gm
const STAR = /^__exportStar\(require\("(\.[^"]+)"\), exports\);$/gm
const PASSED_ON =
  /^Object\.defineProperty\(exports, "(\w+)", .* return (\w+)\.(\w+); \} \}\);$/gm
/** What it writes for readers of other modules than ours, and for use before a module has run. */
const PREAMBLE =
  /^(?:Object\.defineProperty\(exports, "__esModule", .*|(?:exports\.\w+ = )+void 0;)\n/gm

/**
 * @param {string} folder the one with the modules
 * @param {string} out where their CommonJS goes, under the same names with .js and .cjs
 */
export function writeLateModules(folder, out) {
  const files = new Map()
  const load = (path) => {
    if (!files.has(path)) files.set(path, read(path))
    return files.get(path)
  }
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.c?ts$/.test(name)) continue
    const target = join(out, name.replace(/\.(c?)ts$/, '.$1js'))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, withLateImports(join(folder, name), load))
  }
  writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n')
}

function read(path) {
  const { outputText } = transpileModule(readFileSync(path, 'utf8'), {
    fileName: path,
    // What the executable's own Node has, such as `using`, stays as it is.
    compilerOptions: { module: ModuleKind.CommonJS, target: ScriptTarget.ESNext },
  })
  const pathOf = (specifier) =>
    join(dirname(path), specifier).replace(/\.(c?)js$/, '.$1ts')
  const all = (pattern) => [...outputText.matchAll(pattern)]
  const imports = all(IMPORT).map(([, id, specifier]) => [id, pathOf(specifier)])
  return {
    text: outputText,
    imports: new Map(imports),
    stars: all(STAR).map(([, specifier]) => pathOf(specifier)),
    passedOn: new Map(all(PASSED_ON).map(([, name, id, inner]) => [name, { id, inner }])),
    own: new Set(all(/^exports\.(\w+) = /gm).map(([, name]) => name)),
  }
}

function withLateImports(path, load) {
  const { text, imports } = load(path)
  let result = text.replaceAll(IMPORT, '').replaceAll(PREAMBLE, '')
  for (const [id, target] of imports) {
    const use = new RegExp(`(\\bnew )?\\b${id}\\b(?:\\.(\\w+))?`, 'g')
    result = result.replaceAll(use, (_, make, name) => {
      const origin = name && originOf(target, name, load)
      if (!origin) throw new Error(`${path}: cannot tell where ${id}.${name} comes from`)
      const from = relative(dirname(path), origin.path).replace(/\.(c?)ts$/, '.$1js')
      const found = `require("${from.startsWith('.') ? from : `./${from}`}").${origin.name}`
      // `new require(…)` would make a require.
      return make ? `new (${found})` : found
    })
  }
  return result
}

/** The module that makes what another one exports, and its name there. */
function originOf(path, name, load) {
  const { own, passedOn, imports, stars } = load(path)
  const passed = passedOn.get(name)
  if (passed) return originOf(imports.get(passed.id), passed.inner, load)
  if (own.has(name)) return { path, name }
  return stars.reduce((found, star) => found ?? originOf(star, name, load), undefined)
}
