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
  for (const link of ours) {
    const seen = byName.get(link.name)
    const peer = seen?.['link'] && byName.get(seen['link'])?.['ifindex']
    const { operState, txQueueLength, promiscuity, minMtu, maxMtu } = link
    t.strictSame(
      {
        ...known(link),
        operState: String(operState).toLowerCase(),
        txQueueLength,
        promiscuity,
        minMtu,
        maxMtu,
      },
      {
        ...known({
          index: seen?.['ifindex'],
          name: seen?.['ifname'],
          mac: seen?.['address'],
          mtu: seen?.['mtu'],
          up: seen?.['flags'].includes('UP'),
          master: byName.get(seen?.['master'])?.['ifindex'],
          link: peer ?? seen?.['link_index'],
          kind: seen?.['linkinfo']?.info_kind,
          alias: seen?.['ifalias'],
        }),
        operState: seen?.['operstate'].toLowerCase(),
        txQueueLength: seen?.['txqlen'],
        promiscuity: seen?.['promiscuity'],
        minMtu: seen?.['min_mtu'] || undefined,
        maxMtu: seen?.['max_mtu'] || undefined,
      },
    )
  }
  t.match(inside(ns, 'ip', ['link', 'show', 'w0']), 'link-netnsid 0')
})

/** What makes a link, without what only some have. */
function known(link: Partial<Link>) {
  const { index, name, mac, mtu, up, master, kind, alias } = link
  return { index, name, mac, mtu, up, master, link: link.link, kind, alias }
}
