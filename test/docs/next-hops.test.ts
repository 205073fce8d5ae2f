import t from 'tap'
import { play } from './guide.js'

t.test('the guide next-hops prints what it says', async (t) => {
  const { page, space, printed } = await play('docs/guides/next-hops.md')
  t.teardown(() => space.close())
  t.ok(page.main.printed.length > 0)
  t.strictSame(printed, page.main.printed)
})
