import t from 'tap'
import { play } from './guide.js'

t.test('watching a namespace', async (t) => {
  const { page, space, printed } = await play('docs/guides/watching.md')
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 6)
  t.strictSame(printed, page.main.printed)
})
