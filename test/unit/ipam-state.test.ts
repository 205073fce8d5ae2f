import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { ipamStore, parseIpamState, type IpamState } from '../../dist/esm/ipam/state.js'
import { Salvaged } from '../../dist/esm/state/salvage.js'
import { nic, sourceOf } from './fixtures-ipam/hosts.mjs'
import { BOOT, nics, pod, setUp, small } from './fixtures-ipam/set-up.js'

// Written by the code of commit 338e00c: four ADDs and a DEL.
const old = readFileSync(
  new URL('../fixtures/state-v1/ipam.json', import.meta.url),
  'utf8',
)

interface Document {
  version: number
  bootId: string
  data: IpamState
}

function documentAt(path: string): Document {
  return JSON.parse(readFileSync(path, 'utf8')) as Document
}

t.test('a document of version 1 is read and migrated', async (t) => {
  const source = sourceOf(small())
  const { ipam, store, clock, warnings, logged } = setUp(t.testdir(), source)
  writeFileSync(store.path, old)
  clock.ms = 1_700_000_001_000
  t.match(ipam.find(pod('a')), [{ address: '10.0.0.5/24', since: 1_700_000_000_000 }])
  t.match(ipam.find(pod('b')), [{ address: 'fd00::5/64' }])
  t.strictSame(ipam.find(pod('b'), 'ipv4'), [])
  t.match(
    await ipam.acquire({ owner: pod('a'), nics }),
    { address: '10.0.0.5/24' },
    'the same lease',
  )
  t.equal(documentAt(store.path).version, 2, 'brought up to date by the first update')
  // The owner of an IPv6 address had no other one in version 1.
  t.match(await ipam.acquire({ owner: pod('b'), nics }), { address: '10.0.0.8/24' })
  t.match(
    await ipam.acquire({ owner: pod('d'), nics, family: 'ipv6' }),
    { address: 'fd00::a/64' },
    'pools of both families, and no address twice',
  )
  const { version, data } = documentAt(store.path)
  t.equal(version, 2)
  t.same(
    data.leases.map(({ address, owner }) => `${owner.containerId} ${address}`),
    ['a 10.0.0.5/24', 'b fd00::5/64', 'b 10.0.0.6/24', 'b 10.0.0.8/24', 'd fd00::a/64'],
  )
  t.strictSame(data.freed, { '10.0.0.7': 1_700_000_001_000 })
  t.equal(source.fetches, 0, 'the last answer was known')
  t.strictSame([warnings, logged], [[], []])
})

t.test('a document of version 1 of an earlier boot starts afresh', async (t) => {
  const { store } = setUp(t.testdir(), sourceOf(small()))
  writeFileSync(store.path, old.replace(BOOT, 'boot-0'))
  t.strictSame(store.read().leases, [])
})

const GOOD: IpamState = {
  fetchedAt: 1_699_999_999_000,
  failedAt: 0,
  interfaces: [
    {
      mac: nic.mac,
      primary: true,
      subnets: [
        {
          prefix: '10.0.0.0/24',
          addresses: [
            { address: '10.0.0.4', primary: true },
            { address: '10.0.0.5', primary: false },
            { address: '10.0.0.6', primary: false },
            { address: '10.0.0.7', primary: false },
          ],
        },
      ],
    },
  ],
  leases: ['5', '6'].map((last) => ({
    address: `10.0.0.${last}/24`,
    gateway: '10.0.0.1',
    pool: '10.0.0.0/24',
    nic: 'eth0',
    owner: pod(`pod${last}`),
    since: 1_699_999_999_000,
  })),
  freed: { '10.0.0.9': 1_699_999_999_500 },
}

type Path = readonly (string | number)[]

/** The path of every member of a value, at any depth. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    return [here, ...pathsOf(child, here)]
  })
}

/** The value with another one at a path; undefined takes the member away. */
function withAt(value: unknown, [key, ...rest]: Path, other: unknown): unknown {
  const copy = structuredClone(value) as Record<string | number, unknown>
  const place = key ?? ''
  copy[place] = rest.length > 0 ? withAt(copy[place], rest, other) : other
  return copy
}

const JUNK: unknown[] = [null, 7, true, 'junk', [], {}, [null], { a: 1 }, undefined]

/** Whose lease a path is in. */
function leaseAt([member, index]: Path): number | undefined {
  return member === 'leases' && typeof index === 'number' ? index : undefined
}

t.test('of a document with any one member broken, the leases stay', async (t) => {
  for (const path of pathsOf(GOOD)) {
    for (const junk of JUNK) {
      const what = `${path.join('.')} is ${JSON.stringify(junk)}`
      // What a JSON file would hold.
      const text = JSON.stringify(withAt(GOOD, path, junk))
      const parsed = parseIpamState(JSON.parse(text))
      const data = parsed instanceof Salvaged ? parsed.data : parsed
      const again = parseIpamState(JSON.parse(JSON.stringify(data)))
      t.notOk(again instanceof Salvaged, `${what}: what was salvaged is whole`)
      if (path[0] === 'leases' && path.length === 1) continue
      const broken = leaseAt(path)
      for (const [index, lease] of GOOD.leases.entries()) {
        const held = data.leases.filter(({ address }) => address === lease.address)
        if (index !== broken) t.strictSame(held, [lease], `${what}: ${lease.address}`)
      }
    }
  }
})

t.test('of a lease, what only describes it is made good', async (t) => {
  for (const member of ['gateway', 'pool', 'nic', 'since']) {
    const parsed = parseIpamState(withAt(GOOD, ['leases', 0, member], { a: 1 }))
    t.type(parsed, Salvaged)
    const { data, damage } = parsed as Salvaged<IpamState>
    t.match(data.leases, [
      {
        address: '10.0.0.5/24',
        gateway: '10.0.0.1',
        pool: '10.0.0.0/24',
        owner: pod('pod5'),
      },
      { address: '10.0.0.6/24' },
    ])
    t.equal(damage.length, 1)
    t.match(damage[0], new RegExp(`^leases\\[0\\]\\.${member} is an object, not .*: `))
  }
})

t.test('what no record can be without takes that record alone', async (t) => {
  const cases: [Path, unknown, RegExp][] = [
    [['leases', 0, 'address'], 'x', /^leases\[0\]\.address is "x", not an address with/],
    [['leases', 0, 'address'], '10.0.0.5', /^leases\[0\]\.address is "10.0.0.5"/],
    [['leases', 0, 'owner'], null, /^leases\[0\]\.owner is null, not an object/],
    [['leases', 0, 'owner', 'ifname'], 1, /^leases\[0\]\.owner\.ifname is 1, not a text/],
    [['leases', 0], 'x', /^leases\[0\] is "x", not an object/],
  ]
  for (const [path, junk, damage] of cases) {
    const parsed = parseIpamState(withAt(GOOD, path, junk)) as Salvaged<IpamState>
    t.match(parsed.damage, [damage])
    t.strictSame(parsed.data.leases, [GOOD.leases[1]])
    t.strictSame(parsed.data.interfaces, GOOD.interfaces)
    t.strictSame(parsed.data.freed, GOOD.freed)
  }
})

t.test(
  'an answer without its time, or without a whole NIC, is asked for again',
  async (t) => {
    const cases: [Path, unknown][] = [
      [['fetchedAt'], 'yesterday'],
      [['interfaces'], null],
      [['interfaces', 0], {}],
      [['interfaces', 0, 'subnets', 0, 'addresses', 1, 'address'], '10.0.0.0/28'],
    ]
    for (const [path, junk] of cases) {
      const parsed = parseIpamState(withAt(GOOD, path, junk)) as Salvaged<IpamState>
      t.match(parsed.data, { fetchedAt: 0, interfaces: [] }, path.join('.'))
      t.strictSame(parsed.data.leases, GOOD.leases)
    }
  },
)

t.test('a name in "freed" that is no address', async (t) => {
  const parsed = parseIpamState({ ...GOOD, freed: { ...GOOD.freed, junk: 1 } })
  t.match(parsed, { data: { freed: GOOD.freed }, damage: [/^freed has names/] })
})

t.test('what is no object holds nothing', async (t) => {
  for (const junk of [null, 7, 'x', [], undefined]) {
    t.throws(() => parseIpamState(junk), TypeError)
  }
})

t.test('a damaged document: kept aside, said, and no address given twice', async (t) => {
  const { ipam, store, warnings } = setUp(t.testdir(), sourceOf(small()))
  const data = withAt(GOOD, ['leases', 0, 'owner', 'network'], 7)
  const text = JSON.stringify({ version: 2, bootId: BOOT, data })
  writeFileSync(store.path, text)
  t.match(ipam.find(pod('pod6')), [{ address: '10.0.0.6/24' }])
  t.notOk(existsSync(`${store.path}.bad`), 'a reader moves nothing')
  const given = await ipam.acquire({ owner: pod('new'), nics })
  t.equal(given.address, '10.0.0.5/24', 'whose owner is not known any more')
  t.equal(
    (await ipam.acquire({ owner: pod('next'), nics })).address,
    '10.0.0.7/24',
    'not the one that is still on record',
  )
  t.equal(readFileSync(`${store.path}.bad`, 'utf8'), text)
  t.match(warnings.at(-1), /damaged: leases\[0\]\.owner\.network is 7.*moved to .*\.bad$/)
  t.strictSame(ipamStoreOf(store.path).leases.length, 3, 'the new file is whole')
})

function ipamStoreOf(path: string): IpamState {
  return parseIpamState(documentAt(path).data) as IpamState
}

t.test('the store is ipam.json in the state folder', async (t) => {
  const host = {
    stateDir: '/x',
    bootId: () => BOOT,
    self: { pid: 1, start: '', call: 1 },
    lock: () => Promise.reject(new Error('not needed')),
  }
  t.equal(ipamStore(host).path, '/x/ipam.json')
})
