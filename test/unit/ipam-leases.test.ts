import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { interfaceOf, nic, nic2, sourceOf } from './fixtures-ipam/hosts.mjs'
import { BOOT, nics, pod, setUp, small } from './fixtures-ipam/set-up.js'

t.test('a lease, and the same one again', async (t) => {
  const source = sourceOf(small())
  const { ipam, clock } = setUp(t.testdir(), source)
  const lease = await ipam.acquire({ owner: pod('a'), nics })
  t.strictSame(lease, {
    address: '10.0.0.5/24',
    gateway: '10.0.0.1',
    pool: '10.0.0.0/24',
    nic: 'eth0',
    owner: pod('a'),
    since: clock.ms,
  })
  clock.ms += 3_600_000
  t.strictSame(await ipam.acquire({ owner: pod('a'), nics }), lease)
  t.strictSame(ipam.find(pod('a')), [lease])
  t.equal(source.fetches, 1, 'a repeated ADD asks no source')
  await ipam.acquire({ owner: pod('a'), nics, address: '10.0.0.5/24' })
  await t.rejects(ipam.acquire({ owner: pod('a'), nics, address: '10.0.0.6' }), {
    name: 'AddressError',
    reason: 'other-lease',
    message: /10\.0\.0\.6 was asked for, but a eth0 of network azure has 10\.0\.0\.5\/24/,
  })
})

t.test('owners differ by any of their three fields', async (t) => {
  const { ipam } = setUp(t.testdir(), sourceOf([interfaceOf('10.0.0.0/24', 4, 9)]))
  const owners = [
    pod('a'),
    pod('a', { ifname: 'eth1' }),
    pod('a', { network: 'other' }),
    pod('ab'),
  ]
  const addresses = new Set<string>()
  for (const owner of owners) addresses.add((await ipam.acquire({ owner, nics })).address)
  t.equal(addresses.size, 4)
  t.strictSame(await ipam.release(pod('abc')), [])
  t.match(await ipam.release(pod('a', { ifname: 'eth1' })), [{ address: '10.0.0.6/24' }])
  t.equal(ipam.snapshot(nics).leases.length, 3)
})

t.test('release repeats, and the address rests', async (t) => {
  const { ipam, store, clock, counts } = setUp(t.testdir(), sourceOf(small()))
  const lease = await ipam.acquire({ owner: pod('a'), nics })
  t.strictSame(await ipam.release(pod('a')), [lease])
  const taken = counts.taken
  t.strictSame(await ipam.release(pod('a')), [])
  t.equal(counts.taken, taken, 'a repeated DEL takes no lock')
  t.match(await ipam.acquire({ owner: pod('b'), nics }), { address: '10.0.0.6/24' })
  t.match(
    await ipam.acquire({ owner: pod('c'), nics }),
    { address: '10.0.0.5/24' },
    'nothing else is left',
  )
  t.strictSame(store.read().freed, {}, 'who has a lease does not rest')
  await ipam.release(pod('b'))
  clock.ms += 30_000
  await ipam.release(pod('c'))
  t.strictSame(
    Object.keys(store.read().freed),
    ['10.0.0.5'],
    'who has rested is forgotten',
  )
})

t.test('release by address', async (t) => {
  const { ipam } = setUp(t.testdir(), sourceOf(small()))
  await ipam.acquire({ owner: pod('a'), nics })
  t.equal(await ipam.releaseAddress('other', '10.0.0.5'), undefined)
  t.equal(await ipam.releaseAddress('azure', 'nonsense'), undefined)
  t.match(await ipam.releaseAddress('azure', '10.0.0.5/24'), { owner: pod('a') })
  t.strictSame(ipam.find(pod('a')), [])
})

t.test('release where nothing ever was makes no file', async (t) => {
  const dir = t.testdir()
  const { ipam } = setUp(dir, sourceOf(small()))
  t.strictSame(await ipam.release(pod('a')), [])
  t.notOk(existsSync(join(dir, 'ipam.json')))
})

t.test('wishes: subnet, NIC, address, exclude', async (t) => {
  const info = [
    interfaceOf('10.0.0.0/24', 4, 9),
    interfaceOf('10.1.0.0/24', 4, 9, { mac: nic2.mac, primary: false }),
  ]
  const { ipam } = setUp(t.testdir(), sourceOf(info))
  const get = async (id: string, wish: object) =>
    (await ipam.acquire({ owner: pod(id), nics, ...wish })).address
  t.equal(await get('a', {}), '10.1.0.5/24', 'the second NIC comes first')
  t.equal(await get('b', { nic: 'eth0' }), '10.0.0.5/24')
  t.equal(await get('c', { subnet: '10.0.0.0/24' }), '10.0.0.6/24')
  t.equal(await get('d', { address: '10.0.0.9' }), '10.0.0.9/24')
  t.equal(await get('e', { nic: 'eth0', exclude: ['10.0.0.7'] }), '10.0.0.8/24')
  await t.rejects(get('f', { address: '10.0.0.9' }), {
    name: 'AddressError',
    reason: 'in-use',
  })
  await t.rejects(get('f', { address: '10.0.0.7', exclude: ['10.0.0.7'] }), {
    name: 'AddressError',
    reason: 'in-use',
  })
  await t.rejects(get('f', { address: '10.0.0.4' }), {
    name: 'AddressError',
    reason: 'not-in-pool',
    message:
      'address 10.0.0.4 is not a secondary address of 10.1.0.0/24 on eth1, ' +
      '10.0.0.0/24 on eth0',
  })
  await t.rejects(get('f', { subnet: '10.0.0' }), {
    name: 'TypeError',
    message: /subnet/,
  })
  await t.rejects(get('f', { address: 'x' }), {
    name: 'TypeError',
    message: /address "x"/,
  })
})

t.test('IPv4 unless asked otherwise', async (t) => {
  const six = ['fd00::4', 'fd00::5', 'fd00::6', 'fd00::7']
  const subnets = [
    {
      prefix: 'fd00::/64',
      addresses: six.map((address, i) => ({ address, primary: i === 0 })),
    },
    ...small()[0]!.subnets,
  ]
  const source = sourceOf([{ mac: nic.mac, primary: true, subnets }])
  const { ipam } = setUp(t.testdir(), source)
  const get = async (id: string, wish: object) =>
    (await ipam.acquire({ owner: pod(id), nics, ...wish })).address
  t.equal(await get('a', {}), '10.0.0.5/24')
  t.equal(await get('b', { family: 'ipv6' }), 'fd00::5/64')
  t.equal(await get('c', { subnet: 'FD00::/64' }), 'fd00::6/64')
  t.equal(await get('d', { address: 'fd00:0::7' }), 'fd00::7/64')
})

t.test('a "*" pool that is tied to no NIC serves the NIC asked for', async (t) => {
  const source = sourceOf([interfaceOf('10.0.0.0/24', 4, 9, { mac: '*' })])
  const { ipam } = setUp(t.testdir(), source)
  t.match(await ipam.acquire({ owner: pod('a'), nics }), { nic: '' })
  t.match(await ipam.acquire({ owner: pod('b'), nics, nic: 'eth1' }), { nic: 'eth1' })
})

t.test('why there is no pool', async (t) => {
  const primaryOnly = [interfaceOf('10.0.0.0/24', 4, 4)]
  const ask = (answer: ReturnType<typeof small>, more: object) =>
    setUp(t.testdir(), sourceOf(answer)).ipam.acquire({ owner: pod('a'), nics, ...more })
  await t.rejects(ask(primaryOnly, {}), {
    name: 'PoolExhaustedError',
    reason: 'no-secondary',
    message: 'no secondary addresses on eth0: there is only the primary address',
    cure: /^add ip-configs to the NIC/,
  })
  await t.rejects(ask(small(), { nics: [nic2] }), {
    name: 'PoolExhaustedError',
    reason: 'no-nic',
    message: 'it has 00:0d:3a:00:00:01, the host has eth1 00:0d:3a:00:00:02; run in',
  })
  await t.rejects(ask([], {}), {
    name: 'PoolExhaustedError',
    reason: 'no-nic',
    message: 'it has none',
  })
  await t.rejects(ask(small(), { subnet: '10.9.0.0/24', nic: 'eth0' }), {
    name: 'PoolExhaustedError',
    reason: 'no-pool',
    message: 'fits ipv4, subnet 10.9.0.0/24, NIC eth0; known pools: 10.0.0.0/24 on eth0;',
  })
  await t.rejects(ask(small(), { nic: 'eth7' }), {
    name: 'PoolExhaustedError',
    reason: 'no-pool',
  })
  await t.rejects(ask(small(), { family: 'ipv6' }), {
    name: 'PoolExhaustedError',
    reason: 'no-pool',
  })
})

t.test('numbers for display', async (t) => {
  const { ipam, clock } = setUp(t.testdir(), sourceOf([interfaceOf('10.0.0.0/24', 4, 9)]))
  t.strictSame(ipam.snapshot(), { fetchedAt: 0, failedAt: 0, pools: [], leases: [] })
  await ipam.acquire({ owner: pod('a'), nics })
  await ipam.acquire({ owner: pod('b'), nics })
  await ipam.release(pod('a'))
  const snapshot = ipam.snapshot(nics)
  t.match(snapshot, { fetchedAt: clock.ms, leases: [{ owner: pod('b') }] })
  t.match(snapshot.pools, [{ nic: 'eth0', total: 5, used: 1, free: 4, cooling: 1 }])
  t.match(ipam.snapshot().pools, [{ nicMac: nic.mac, total: 5 }], 'without NICs')
})

t.test('a damaged document of any part is put aside', async (t) => {
  const parts: object[] = [
    { leases: [{ address: '10.0.0.5/24' }] },
    { interfaces: [{ mac: '*', subnets: 1 }] },
    { freed: { '10.0.0.5': 'x' } },
    { freed: [] },
    { fetchedAt: null },
  ]
  const whole = { fetchedAt: 1, failedAt: 0, interfaces: [], leases: [], freed: {} }
  for (const part of parts) {
    const dir = t.testdir()
    const { ipam, store } = setUp(dir, sourceOf(small()))
    await ipam.acquire({ owner: pod('z'), nics })
    const document = { version: 1, bootId: BOOT, data: { ...whole, ...part } }
    writeFileSync(store.path, JSON.stringify(document))
    t.match(await ipam.acquire({ owner: pod('a'), nics }), { address: '10.0.0.5/24' })
    t.ok(existsSync(`${store.path}.bad`))
  }
})
