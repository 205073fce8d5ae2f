import t from 'tap'
import { NetNs, type GenericFamily } from 'vnet-cni'
import { inside, read, refusal } from './helper.js'

/** What `genl ctrl list` prints, as far as it says it in figures. */
function theirs(text: string) {
  return text
    .split(/^Name: /m)
    .slice(1)
    .map((part) => {
      const number = (pattern: RegExp) => Number(pattern.exec(part)?.[1])
      const [, groups = ''] = /multicast groups:([^]*)$/.exec(part) ?? []
      const [, operations = ''] =
        /commands supported:([^]*?)(?:multicast|$)/.exec(part) ?? []
      return {
        name: part.slice(0, part.search(/\s/)),
        id: number(/ID: (\S+)/),
        version: number(/Version: (\S+)/),
        headerSize: number(/header size: (\d+)/),
        maxAttribute: number(/max attribs: (\d+)/),
        operations: [...operations.matchAll(/#\d+:\s+ID-(\S+)/g)].map(([, id]) =>
          Number(id),
        ),
        groups: [...groups.matchAll(/ID-(\S+)\s+name: (\S+)/g)].map(([, id, name]) => ({
          name,
          id: Number(id),
        })),
      }
    })
}

const byLink = (a: { link: number }, b: { link: number }) => a.link - b.link
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

t.test('families as genl lists them, and each by its name', async (t) => {
  using ns = NetNs.create()
  const ours = read<GenericFamily[]>(ns, (p) => p.generic.dump())
  const listed = ours.map(({ operations, groups, ...rest }) => ({
    ...rest,
    operations: operations.map(({ id }) => id),
    groups: groups.map(({ name, id }) => ({ name, id })),
  }))
  t.ok(ours.length > 1)
  t.strictSame(
    listed.toSorted(byName),
    theirs(inside(ns, 'genl', ['ctrl', 'list'])).toSorted(byName),
  )
  for (const family of ours) {
    t.strictSame(
      read(ns, (p) => p.generic.get(family.name)),
      family,
    )
  }
})

t.test('nlctrl has the number that the kernel gave it', async (t) => {
  using ns = NetNs.create()
  const family = await ns.generic.get('nlctrl')
  t.match(family, { name: 'nlctrl', id: 16, version: 2 })
  t.ok(family.operations.some(({ id, flags }) => id === 3 && (flags & 4) !== 0))
  t.match(family.groups, [{ name: 'notify', id: 16 }])
})

t.test('what is no family', async (t) => {
  using ns = NetNs.create()
  t.match(
    refusal(ns, (p) => p.generic.get('no-such')),
    { code: 'ENOENT', op: 'genl.family.get', message: /no-such/ },
  )
  for (const name of ['', 'sixteen-bytes-xx', 'a\0b', 5, undefined] as any[]) {
    t.throws(() => ns.plan().generic.get(name), { message: /^name: .* names no family/ })
  }
})

t.test('a family whose number is looked up: what ethtool tells of links', async (t) => {
  using ns = NetNs.create()
  await ns.link.addVeth({ name: 'va', up: true }, { name: 'vb' })
  t.match(await ns.ethtool.linkState('va'), { name: 'va', detected: false })
  await ns.link.set('vb', { up: true })
  const plan = ns.plan()
  const [one, other] = [plan.ethtool.linkState('va'), plan.ethtool.linkState('vb')]
  const all = plan.ethtool.linkStates()
  const done = await plan.run()
  const va = await ns.link.read('va')
  const lo = { link: 1, name: 'lo', detected: false }
  t.strictSame(done.of(one), { link: va?.index, name: 'va', detected: true })
  t.strictSame(done.of(all), [lo, ...[done.of(one), done.of(other)].toSorted(byLink)])
  t.match(inside(ns, 'ip', ['-o', 'link', 'show', 'va']), 'LOWER_UP')
  t.match(
    refusal(ns, (p) => p.ethtool.linkState('none')),
    { code: 'ENODEV' },
  )
})
