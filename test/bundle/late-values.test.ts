/**
 * Our modules as the executable has them: nothing is made before it is used, and what is made is what
 * the modules say.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { build } from 'esbuild'
import { must } from '../helpers/process.js'

const scripts: string = '../../scripts/bundle'
const { writeLateValues } = (await import(`${scripts}/late-values.mjs`)) as {
  writeLateValues(folder: string, out: string, replaced?: Record<string, string>): void
}
const { nodeBinary } = (await import(`${scripts}/node.mjs`)) as {
  nodeBinary(arch: string): string
}

/** What modules print, of which `bundle.ts` is run. */
async function printed(t: Test, files: Record<string, string>): Promise<string[]> {
  const folder = t.testdir({ lib: files, out: {} })
  const out = join(folder, 'out')
  writeLateValues(join(folder, 'lib'), out)
  const outfile = join(folder, 'program.cjs')
  const target = { format: 'cjs', platform: 'node', target: 'node24' } as const
  const entryPoints = [join(out, 'bundle.js')]
  await build({
    ...target,
    entryPoints,
    outfile,
    bundle: true,
    supported: { using: true },
  })
  const text = await must(nodeBinary(process.arch), [outfile])
  return text.trimEnd().split('\n')
}

t.test('a value is made once, when it is first used', async (t) => {
  const lines = await printed(t, {
    'table.ts': `
      const make = (name: string) => (console.log('makes', name), { name })
      export const unused = make('unused')
      export const table = make('table')
      export const both = [table, make('both')] as const
      export const COUNT = 3`,
    'bundle.ts': `
      import { both, COUNT, table } from './table.js'
      const main = () => {
        console.log('begins', COUNT)
        console.log(both[0] === table, both === both, { table }.table.name)
      }
      main()`,
  })
  t.same(lines, ['begins 3', 'makes table', 'makes both', 'true true table'])
})

t.test('names mean what they mean in the modules', async (t) => {
  const lines = await printed(t, {
    'shape.ts': `
      export class Shape { static made = 0; constructor(readonly sides: number) { Shape.made++ } }
      export type Sides = number
      const hidden = new Shape(1)
      export { hidden as first }
      export default { sides: hidden.sides }`,
    'all.ts': `export * from './shape.js'; export { Shape as Form } from './shape.js'`,
    'other.ts': `
      import { first } from './all.js'
      import type { Sides } from './all.js'
      const table: Record<string, Sides> = { first: first.sides }
      export function look(Shape: string) { return Shape + table['first'] }`,
    'bundle.ts': `
      import { readFileSync, constants } from 'node:fs'
      import * as path from 'node:path'
      import one, { Form, Shape } from './all-and-default.js'
      import { look } from './other.js'
      class Square extends Shape { readonly first = new Form(4); constructor() { super(4) } }
      const read = typeof readFileSync
      const main = async () => {
        const { first } = await import('./all.js')
        const [{ look: again }] = await Promise.all([import('./other.js')])
        console.log(new Square().first.sides, Shape.made, Form === Shape, first.sides, one.sides)
        console.log(look('a'), again === look, (await import('./all.js')).Form === Form)
        console.log(read, constants.O_RDONLY, path.join('a', 'b'), Shape.name, Square.name)
        const names = Object.keys(await Promise.all([import('./all.js')]).then(([all]) => all))
        console.log(names.sort().join())
      }
      void main()`,
    'all-and-default.ts': `export * from './all.js'; export { default } from './shape.js'`,
  })
  t.same(lines, [
    '4 3 true 1 1',
    'a1 true true',
    'function 0 a/b Shape Square',
    'Form,Shape,first',
  ])
})

t.test('what would have to be done at once is refused', (t) => {
  const refused = {
    'does this do at the top': `export const a = 1; if (a) console.log(a)`,
    'imports ./b.js for its effects': `import './b.js'`,
    'takes work to make and changes': `export let a = new Map()`,
  }
  for (const [message, text] of Object.entries(refused)) {
    const folder = t.testdir({ lib: { 'a.ts': text, 'b.ts': '' }, out: {} })
    const write = () => writeLateValues(join(folder, 'lib'), join(folder, 'out'))
    t.throws(write, { message: new RegExp(message) })
  }
  t.end()
})

t.test(
  'all of our modules can be late, and nothing of them is done at first',
  async (t) => {
    const out = t.testdir()
    writeLateValues('lib', out, { 'addon.js': 'addon-embedded.js' })
    const names = readdirSync(out, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.js'))
      // The program itself, and what loads modules of Node by require().
      .filter((name) => !['bundle.js', 'externals.js'].includes(name))
    t.ok(names.length > 150, `${names.length} modules`)
    // Whoever looked at the process while a module is evaluated would fail.
    const urls = names.map((name) => pathToFileURL(join(out, name)).href)
    const script = `
    for (const name of ['process', 'Date', 'Map', 'Set', 'Object', 'Buffer', 'Promise'])
      Reflect.deleteProperty(globalThis, name)
    for (const url of ${JSON.stringify(urls)}) await import(url)
    console.log('done')`
    const flags = ['--input-type=module', '-e', script]
    t.equal(await must(nodeBinary(process.arch), flags), 'done\n')
    const sources = names.map((name) => readFileSync(join(out, name), 'utf8'))
    t.ok(sources.some((text) => /^ *using \w+ = /m.test(text)))
    for (const text of sources) t.notMatch(text, '__addDisposableResource')
  },
)
