/**
 * Our modules as the executable has them: the same names as those of npm's package, evaluated when
 * something of one is used. In the executable's Node, whose language they are written in.
 */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { must } from '../helpers/process.js'

const scripts: string = '../../scripts/bundle'
const { writeLateModules } = (await import(`${scripts}/late-modules.mjs`)) as {
  writeLateModules(folder: string, out: string): void
}
const { nodeBinary } = (await import(`${scripts}/node.mjs`)) as {
  nodeBinary(arch: string): string
}
const root = process.cwd()
const require = createRequire(import.meta.url)
// Inside the checkout: the modules look for their packages in node_modules.
const late = t.testdir()
writeLateModules(join(root, 'lib'), late)

const cjs = join(root, 'dist', 'cjs')
const modules = readdirSync(cjs, { recursive: true, encoding: 'utf8' })
  // bundle.js is the program itself.
  .filter((name) => /\.c?js$/.test(name) && name !== 'bundle.js')

/** What a script prints as JSON; `modules` are their names, `at(name)` the path of one. */
async function inNode24(script: string): Promise<unknown> {
  const prelude = `const modules = ${JSON.stringify(modules)}
    const at = (name) => require('node:path').join(${JSON.stringify(late)}, name)
    const print = (value) => process.stdout.write(JSON.stringify(value))\n`
  return JSON.parse(await must(nodeBinary(process.arch), ['-e', prelude + script]))
}

t.test('a module has the names that it has in the package', async (t) => {
  t.ok(modules.length > 100, `${modules.length} modules`)
  const names = (await inNode24(
    'print(modules.map((name) => Object.keys(require(at(name))).sort()))',
  )) as string[][]
  for (const [i, name] of modules.entries()) {
    const inPackage = Object.keys(require(join(cjs, name)) as object).sort()
    t.strictSame(names[i], inPackage, name)
  }
})

t.test('importing one evaluates no other', async (t) => {
  const { before, error, after } = (await inNode24(`
    const { relative } = require('node:path')
    const loaded = () => Object.keys(require.cache)
      .filter((path) => path.startsWith(at('')))
      .map((path) => relative(at(''), path))
    const { NetNs } = require(at('netlink/netns.js'))
    const before = loaded()
    try {
      NetNs.open('/nowhere')
    } catch ({ name, code }) {
      print({ before, error: { name, code }, after: loaded() })
    }`)) as { before: string[]; error: object; after: string[] }
  t.strictSame(before, ['netlink/netns.js'])
  t.strictSame(error, { name: 'SyscallError', code: 'ENOENT' })
  t.ok(after.includes('binding.js'))
  t.notOk(after.includes('netlink/monitor.js'), 'what is not used is not evaluated')
})

t.test('`using` is the language’s own', async (t) => {
  const sources = (await inNode24(`
    const { readFileSync } = require('node:fs')
    print(modules.map((name) => readFileSync(at(name), 'utf8')))`)) as string[]
  t.ok(sources.some((text) => /^ *using \w+ = /m.test(text)))
  for (const [i, text] of sources.entries()) {
    t.notMatch(text, '__addDisposableResource', `${modules[i]}`)
  }
})
