// Compares the tables of the addon with the kernel's own specifications and writes
// docs/coverage.md. Exits with 1 when a type disagrees that scripts/specs/objects.mjs has no reason
// for, or when --check finds another page than it would write.
//   npm run docs:coverage [-- --check]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { Comparison } from './specs/compare.mjs'
import { EXCEPTIONS, OBJECTS } from './specs/objects.mjs'
import { page } from './specs/page.mjs'
import { readSpec, specNames } from './specs/read.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const target = join(root, 'docs', 'coverage.md')

/** Builds the program that prints our tables, and reads what it prints. */
function ourTables() {
  const build = join(root, 'native', 'build', 'describe')
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] }
  execFileSync('cmake', ['-S', join(root, 'native'), '-B', build, '-DDESCRIBE=ON'], quiet)
  execFileSync('cmake', ['--build', build], quiet)
  return JSON.parse(execFileSync(join(build, 'vnet_describe'), { encoding: 'utf8' }))
}

function compareAll(ours) {
  const specs = new Map()
  return Object.entries(OBJECTS).map(([name, part]) => {
    if (!specs.has(part.spec)) specs.set(part.spec, readSpec(part.spec))
    const object = ours.objects.find((o) => o.name === name)
    if (!object)
      throw new Error(`scripts/specs/objects.mjs names ${name}, which there is not`)
    return {
      name,
      part,
      result: new Comparison(ours, specs.get(part.spec)).message(object, part),
    }
  })
}

/** What disagrees without a reason, and reasons for what agrees. */
function complaints(compared) {
  const found = compared.flatMap(({ name, result }) =>
    result.different.map(({ path, ours, theirs }) => ({
      key: `${name} ${path}`,
      text: `${name} ${path}: ours is ${ours}, the specification says ${theirs}`,
    })),
  )
  const idle = EXCEPTIONS.filter(({ where }) => !found.some(({ key }) => where.test(key)))
  return [
    ...found
      .filter(({ key }) => !EXCEPTIONS.some(({ where }) => where.test(key)))
      .map(({ text }) => text),
    ...idle.map(({ where }) => `${where}: an exception that nothing needs`),
  ]
}

const ours = ourTables()
const compared = compareAll(ours)
const wrong = complaints(compared)
const text = await format(page(ours, compared, specNames()), { parser: 'markdown' })
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text)
    wrong.push('docs/coverage.md is out of date: npm run docs:coverage')
} else writeFileSync(target, text)
for (const line of wrong) console.error(line)
if (wrong.length > 0) process.exitCode = 1
