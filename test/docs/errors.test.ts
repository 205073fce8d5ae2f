import t from 'tap'
import { play } from './guide.js'

t.test('when the kernel says no', async (t) => {
  const { page, space, printed } = await play('docs/guides/errors.md')
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 15)
  t.strictSame(printed, page.main.printed)
})
