// What a dump tells of each entry: all that the kernel sends, or the members that were asked for.
import t from 'tap'
import { NetNs, type Link } from 'vnet-cni'
import { ip } from './helper.js'

const ns = NetNs.create()
const other = NetNs.create()
t.teardown(() => [ns, other].forEach((one) => one.close()))
ip(
  ns,
  'link set lo up',
  'link add br0 up type bridge',
  'link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1',
  'link add i0 type ifb',
)
ns.sync.link.addVeth({ name: 'v0', master: 'br0' }, { name: 'v1', netns: other })
ns.sync.link.set('v0', { alias: 'a "quoted" \\ näme\n', up: true })
ns.sync.link.addAltName('v0', 'another-name')

type Entry = { readonly [name: string]: unknown }

function dump(only?: readonly string[], op = 'link.dump'): Entry[] {
  const plan = ns.plan()
  const entries = plan.raw<Entry[]>(op, {}, only && { only })
  return plan.runSync().of(entries)
}

// So many that entries become text, and so few that they do not.
const sizes = [0, 20]

for (const more of sizes) {
  t.test(`with ${more} links more`, async (t) => {
    for (let i = 0; i < more; i++) ns.sync.link.add({ kind: 'bridge', name: `more${i}` })

    t.test('each entry has the members that were asked for', async (t) => {
      const all = dump()
      for (const only of [
        ['index'],
        ['name', 'info'],
        ['alias', 'flags', 'statistics'],
      ]) {
        const expected = all.map((entry) =>
          Object.fromEntries(
            Object.entries(entry).filter(([name]) => only.includes(name)),
          ),
        )
        const still = (entries: Entry[]) =>
          entries.map(({ statistics, info, ...rest }) => ({
            ...rest,
            // Counters and timers go on between two dumps.
            ...(statistics ? { statistics: Object.keys(statistics) } : {}),
            ...(info ? { info: (info as Entry)['kind'] } : {}),
          }))
        t.strictSame(still(dump(only)), still(expected), only.join())
      }
    })

    t.test('a dump of links is what reading them one by one tells', async (t) => {
      // The kernel notices what a new link's carrier is when it is asked for the link, or later
      // (linkwatch_sync_dev).
      for (const { index } of ns.sync.link.dump()) ns.sync.link.read(index)
      for (const options of [{}, { statistics: true }]) {
        const links = await ns.link.dump(options)
        const streamed: Link[] = []
        for await (const link of ns.link.stream(options)) streamed.push(link)
        const alone = links.map(({ index }) => ns.sync.link.read(index, options))
        const still = (list: readonly Link[]) =>
          list.map(({ settings, statistics, port, ...rest }) => ({
            ...rest,
            settings: settings && Object.keys(settings),
            port: port && Object.keys(port),
            statistics: statistics && Object.keys(statistics),
          }))
        t.strictSame(still(links), still(alone))
        t.strictSame(still(streamed), still(alone))
      }
    })
  })
}

t.test('names that there are not, and steps that cannot', async (t) => {
  const wrong: [string, unknown, RegExp][] = [
    ['link.dump', ['nme'], /^link\.dump\.only: link has no member nme$/],
    ['link.dump', [], /^link\.dump\.only: must be an array of names of members$/],
    ['link.dump', 'name', /only: must be an array/],
    ['link.dump', [5], /only: must be an array/],
    [
      'link.get',
      ['name'],
      /^link\.get\.only: is for dumps and streams without a filter$/,
    ],
    ['conntrack.list', ['mark'], /only: is for dumps/],
    ['sysctl.get', ['name'], /only: is for dumps/],
    ['nft.batch', ['name'], /only: is for dumps/],
  ]
  for (const [op, only, message] of wrong) {
    t.throws(
      () => dump(only as string[], op),
      { name: 'TypeError', message },
      `${op} ${only}`,
    )
  }
})
