/**
 * Our modules as the executable has them: the same names as those of npm's package, evaluated when
 * something of one is used.
 */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import t from 'tap'

const script: string = '../../scripts/bundle/late-modules.mjs'
const { writeLateModules } = (await import(script)) as {
  writeLateModules(folder: string, out: string): void
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

t.test('a module has the names that it has in the package', async (t) => {
  t.ok(modules.length > 100, `${modules.length} modules`)
  for (const name of modules) {
    const names = (folder: string) =>
      Object.keys(require(join(folder, name)) as object).sort()
    t.strictSame(names(late), names(cjs), name)
  }
})

t.test('importing one evaluates no other', async (t) => {
  for (const name of modules) delete require.cache[join(late, name)]
  const loaded = () =>
    Object.keys(require.cache)
      .filter((path) => path.startsWith(late))
      .map((path) => relative(late, path))
  const { NetNs } = require(join(late, 'netlink', 'netns.js')) as {
    NetNs: { open(path: string): unknown }
  }
  t.strictSame(loaded(), ['netlink/netns.js'])
  t.throws(() => NetNs.open('/nowhere'), { name: 'SyscallError', code: 'ENOENT' })
  t.ok(loaded().includes('binding.js'))
  t.notOk(loaded().includes('netlink/monitor.js'), 'what is not used is not evaluated')
})
