import t from 'tap'
import { play } from './guide.js'

t.test('a bridge with two namespaces', async (t) => {
  const { page, space, printed, takeAway } = await play('docs/guides/bridge.md')
  t.teardown(() => space.close())
  t.match(page.main.printed, { length: 4 })
  t.strictSame(printed, page.main.printed)

  const ports = JSON.parse(space.must('bridge', '-j', 'link')) as object[]
  t.match(ports, [
    { ifname: 'veth-a', master: 'br0', state: 'forwarding' },
    { ifname: 'veth-b', master: 'br0', state: 'forwarding' },
  ])
  t.match(space.json('b', 'ip -j -4 address show eth0'), [
    { operstate: 'UP', addr_info: [{ local: '10.0.0.2', prefixlen: 24 }] },
  ])
  t.match(
    space.must('ip', 'netns', 'exec', 'b', 'ping', '-c1', '-W5', '10.0.0.1'),
    ' 0% packet loss',
  )

  await takeAway()
  await takeAway()
  t.equal(space.must('ip', 'netns').trim(), '')
  const links = JSON.parse(space.must('ip', '-j', 'link')) as { ifname: string }[]
  t.strictSame(
    links.map(({ ifname }) => ifname),
    ['lo'],
  )
})
