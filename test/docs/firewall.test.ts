import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { play, type Space } from './guide.js'

/** The ruleset of a namespace as the nft program tells it, without what differs by nature. */
function ruleset(space: Space, namespace: string): { nftables: object[] } {
  const text = space.must(
    'ip',
    'netns',
    'exec',
    namespace,
    'nft',
    '-j',
    'list',
    'ruleset',
  )
  const varying = new Set(['handle', 'packets', 'bytes', 'metainfo'])
  return JSON.parse(text, (name, value: unknown) =>
    varying.has(name) ? undefined : value,
  ) as { nftables: object[] }
}

t.test('a firewall', async (t) => {
  const { page, space, printed, takeAway } = await play('docs/guides/firewall.md')
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 5)
  t.strictSame(printed, page.main.printed)

  await t.test('is the one that the page shows in the language of nft', async (t) => {
    const guide = readFileSync(
      new URL('../../docs/guides/firewall.md', import.meta.url),
      'utf8',
    )
    const [, nft = ''] = /^```nft\n(.*?)^```$/ms.exec(guide) ?? []
    const file = join(space.folder, 'firewall.nft')
    writeFileSync(file, nft.replace('{ 80 }', '{ 80, 81 }'))
    space.must('ip', 'netns', 'add', 'reference')
    space.must('ip', 'netns', 'exec', 'reference', 'nft', '-f', file)
    t.match(nft, 'chain forward')
    const { nftables } = ruleset(space, 'router')
    t.strictSame(nftables, ruleset(space, 'reference').nftables)
    t.equal(nftables.length, 8, 'metainfo, table, set, chain, four rules')
    space.must('ip', 'netns', 'del', 'reference')
  })

  t.match(space.json('router', 'ip -j -4 route'), [
    { dst: '10.0.0.0/24', dev: 'in' },
    { dst: '192.0.2.0/24', dev: 'out' },
  ])
  await takeAway()
  await takeAway()
  t.equal(space.must('ip', 'netns').trim(), '')
})
