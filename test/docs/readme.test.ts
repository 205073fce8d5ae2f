import t from 'tap'
import { play } from './guide.js'

t.test('the tour of the README', async (t) => {
  const { page, space, printed } = await play('README.md', { heading: 'The library' })
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 9)
  t.strictSame(printed, page.main.printed)

  const links = JSON.parse(space.must('ip', '-j', 'link', 'show', 'br0')) as object[]
  t.match(links, [{ ifname: 'br0', mtu: 1400 }])
})
