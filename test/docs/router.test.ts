import t from 'tap'
import { play } from './guide.js'

t.test('a router between two subnets', async (t) => {
  const { page, space, printed, takeAway } = await play('docs/guides/router.md')
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 10)
  t.strictSame(printed, page.main.printed)

  const inRight = (...command: string[]) =>
    space.must('ip', 'netns', 'exec', 'right', ...command)
  t.match(inRight('ping', '-c1', '-W5', '10.1.0.2'), 'ttl=63')
  t.match(space.json('router', 'ip -j rule'), [
    { priority: 0 },
    { priority: 1000, src: '10.1.0.66', table: '100' },
    { priority: 32766 },
    { priority: 32767 },
  ])
  t.match(space.json('router', 'ip -j route show table 100'), [
    { type: 'prohibit', dst: 'default' },
  ])

  await takeAway()
  await takeAway()
  t.equal(space.must('ip', 'netns').trim(), '')
})
