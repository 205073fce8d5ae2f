/** No example is left out: each page with code has a test that runs all of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import t from 'tap'
import { readPage, type Program } from './guide.js'

const root = new URL('../../', import.meta.url)
const pages = [
  ...['README.md', 'CHANGELOG.md'],
  ...readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md') && !file.startsWith('api/'))
    .map((file) => `docs/${file}`),
]

const blocks = (page: string) =>
  [...readFileSync(new URL(page, root), 'utf8').matchAll(/^ *```(\w*)\n/gm)]
    .map(([, language = '']) => language)
    .filter((language) => language !== '')

const withCode = pages.filter((page) => blocks(page).includes('js'))

t.test('examples are plain JavaScript', async (t) => {
  const known = new Set(['js', 'text', 'json', 'nft', 'mermaid', 'sh', 'cpp', 'diff'])
  for (const page of pages) {
    t.strictSame(
      blocks(page).filter((language) => !known.has(language)),
      [],
      page,
    )
  }
})

t.test('each page has its test', async (t) => {
  t.ok(withCode.length >= 8)
  for (const page of withCode) {
    const name = basename(page, '.md').toLowerCase()
    const test = new URL(`test/docs/${name}.test.ts`, root)
    t.ok(existsSync(test) && readFileSync(test, 'utf8').includes(page), page)
  }
})

t.test('they use nothing that the oldest Node lacks', async (t) => {
  for (const page of withCode) {
    const heading = page === 'README.md' ? 'The library' : undefined
    for (const { code } of Object.values(readPage(page, heading)) as Program[]) {
      t.notMatch(code, /^\s*(await )?using /m, `${page}: Node 20 has no using`)
    }
  }
})

t.test('the examples of the README are all in the section that is run', async (t) => {
  const whole = readFileSync(new URL('README.md', root), 'utf8')
  const { main } = readPage('README.md', 'The library')
  const all = [...whole.matchAll(/^```js\n(.*?)^```$/gms)].map(([, body = '']) => body)
  t.equal(main.code, all.join('\n'))
})
