import t from 'tap'
import { play } from './guide.js'

t.test('the guide sockets prints what it says', async (t) => {
  const { page, space, printed } = await play('docs/guides/sockets.md')
  t.teardown(() => space.close())
  t.ok(page.main.printed.length > 0)
  t.strictSame(printed, page.main.printed)
})
