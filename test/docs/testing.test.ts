import t from 'tap'
import { play } from './guide.js'

const NO_RIGHTS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']

t.test('testing without root', async (t) => {
  const { page, space, printed } = await play('docs/guides/testing.md', { by: NO_RIGHTS })
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 4)
  t.strictSame(printed, page.main.printed)
})
