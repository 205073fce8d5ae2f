import t from 'tap'
import { NetNs, type Link } from 'vnet-cni'
import { act, inside, ip, json, read } from './helper.js'

t.test('differential: links equal those of `ip -d link`', async (t) => {
  using ns = NetNs.create()
  using other = NetNs.create()
  ip(
    ns,
    'link set lo up',
    'link add br0 up address 02:00:00:00:00:01 type bridge',
    'link add br1 mtu 1400 type bridge',
    `link add v0 up master br0 type veth peer name v1`,
    'link add i0 type ifb',
    'link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1',
    'link set dev v1 alias some.text',
  )
  act(ns, (p) => p.link.addVeth({ name: 'w0' }, { name: 'w1', netns: other }))
  for (let i = 0; i < 200; i++) ip(ns, `link add many${i} type bridge`)
  const ours = read<Link[]>(ns, (p) => p.link.dump())
  const theirs = json(ns, 'ip -d link')
  t.equal(ours.length, theirs.length)
  const byName = new Map(theirs.map((l) => [l['ifname'], l]))
  const flat = (l: Link) => ({ ...l, flags: undefined })
  for (const link of ours) {
    const seen = byName.get(link.name)
    const peer = seen?.['link'] && byName.get(seen['link'])?.['ifindex']
    t.strictSame(flat(link), {
      index: seen?.['ifindex'],
      name: seen?.['ifname'],
      mac: seen?.['address'],
      mtu: seen?.['mtu'],
      up: seen?.['flags'].includes('UP'),
      flags: undefined,
      ...(seen?.['master'] && { master: byName.get(seen['master'])?.['ifindex'] }),
      ...((peer ?? seen?.['link_index']) && { link: peer ?? seen?.['link_index'] }),
      ...(seen?.['linkinfo']?.info_kind && { kind: seen['linkinfo'].info_kind }),
      ...(seen?.['ifalias'] && { alias: seen['ifalias'] }),
    })
  }
  t.match(inside(ns, 'ip', ['link', 'show', 'w0']), 'link-netnsid 0')
})
