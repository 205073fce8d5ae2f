import t from 'tap'
import {
  hostLinkName,
  ownerKey,
  ownerTag,
  sameOwner,
} from '../../dist/esm/cni/spec/owner.js'

const owner = (
  containerId: string,
  more: { network?: string; ifname?: string } = {},
) => ({
  network: 'net',
  containerId,
  ifname: 'eth0',
  ...more,
})

const OWNERS = [
  owner('a'),
  owner('ab'),
  owner('a', { network: 'ne' }),
  owner('a', { ifname: 'eth1' }),
  owner('a', { network: 'n', ifname: 'teth0' }),
  owner('x'.repeat(200)),
  owner('x'.repeat(199)),
  owner('x'.repeat(199) + 'y'),
  owner('x'.repeat(100) + 'y' + 'x'.repeat(99)),
  owner('x'.repeat(200), { ifname: 'eth1' }),
  owner('x'.repeat(200), { network: 'other' }),
  owner('x'.repeat(64), { network: 'n'.repeat(200) }),
  owner('x'.repeat(64), { network: 'n'.repeat(201) }),
  owner('x'.repeat(118)),
  owner('x'.repeat(119)),
  owner('x'.repeat(120)),
  owner('x'.repeat(112), { ifname: 'ünïcödé' }),
  owner('x'.repeat(115), { ifname: 'ünïcödé' }),
  owner('x'.repeat(200), { ifname: '日本語日本' }),
]

const distinct = (list: string[]) => new Set(list).size

t.test('tags differ, and fit into a comment', async (t) => {
  const tags = OWNERS.map(ownerTag)
  t.equal(distinct(tags), OWNERS.length)
  OWNERS.forEach((one, i) => {
    const tag = tags[i] as string
    t.ok(Buffer.byteLength(tag) <= 127, `${Buffer.byteLength(tag)} bytes`)
    t.ok(tag.includes('/'), 'none is the host’s own tag')
    t.ok(tag.endsWith(`/${one.ifname}`), 'it can be read')
    t.equal(ownerTag({ ...one }), tag, 'the same each time')
  })
  t.equal(ownerTag(owner('a')), 'net/a/eth0')
  t.equal(Buffer.byteLength(ownerTag(owner('x'.repeat(118)))), 127, 'used to the end')
})

t.test('names of host links differ, and are names', async (t) => {
  const names = OWNERS.map(hostLinkName)
  t.equal(distinct(names), OWNERS.length)
  for (const name of names) t.match(name, /^azv[0-9a-f]{11}$/)
  t.equal(hostLinkName(owner('a')), names[0])
})

t.test('a thousand containers with one prefix', async (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => owner('f'.repeat(60) + `${i}`))
  t.equal(distinct(many.map(hostLinkName)), 1000)
  t.equal(distinct(many.map(ownerTag)), 1000)
})

t.test('owners are equal when all three parts are', async (t) => {
  t.ok(sameOwner(owner('a'), owner('a')))
  for (const other of OWNERS.slice(1)) t.notOk(sameOwner(owner('a'), other))
  t.equal(distinct(OWNERS.map(ownerKey)), OWNERS.length)
})
