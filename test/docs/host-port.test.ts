import t from 'tap'
import { play } from './guide.js'

t.test('a host port', async (t) => {
  const { page, space, printed, takeAway } = await play('docs/guides/host-port.md')
  t.teardown(() => space.close())
  t.equal(page.main.printed.length, 5)
  t.strictSame(printed, page.main.printed)

  const text = space.must('ip', 'netns', 'exec', 'host', 'nft', 'list', 'ruleset')
  const rule = 'fib daddr type local dnat ip to meta l4proto . th dport map @ports'
  t.equal(text.split(rule).length, 3, 'a rule each in prerouting and output')
  t.match(text, 'ip saddr . ip daddr @hairpin masquerade')
  t.match(
    text,
    /map ports \{\s+type inet_proto \. inet_service : ipv4_addr \. inet_service\s+\}/,
  )

  await takeAway()
  await takeAway()
  t.equal(space.must('ip', 'netns').trim(), '')
})
