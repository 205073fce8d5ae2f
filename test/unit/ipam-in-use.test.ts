import t from 'tap'
import type { AcquireRequest } from '../../dist/esm/ipam/select.js'
import { interfaceOf, sourceOf } from './fixtures-ipam/hosts.mjs'
import { nics, pod, setUp } from './fixtures-ipam/set-up.js'

const POOL = [interfaceOf('10.0.0.0/24', 4, 9)]

/** Addresses that others use, and how often somebody asked for them. */
function others(used: Record<string, string>) {
  const asked = { count: 0, leased: [] as string[] }
  const inUse = (leased: ReadonlySet<string>) => {
    asked.count++
    asked.leased = [...leased]
    return new Map(Object.entries(used))
  }
  return { asked, inUse }
}

t.test('an address that others use is not given, and the log says why', async (t) => {
  const { ipam, logged } = setUp(t.testdir(), sourceOf(POOL))
  const { asked, inUse } = others({
    '10.0.0.5': 'neighbour entry on azv1234',
    '10.0.0.6': 'host route on azv5678',
    '10.0.0.9': 'host address on eth0',
    '10.7.0.1': 'host address on eth7',
  })
  const get = async (id: string, more: Partial<AcquireRequest> = {}) =>
    (await ipam.acquire({ owner: pod(id), nics, inUse, ...more })).address
  t.equal(await get('a'), '10.0.0.7/24')
  t.equal(asked.count, 1)
  t.strictSame(logged, [
    {
      level: 'warn',
      message:
        'addresses in use outside of this plug-in are not given: ' +
        '10.0.0.5 (neighbour entry on azv1234), 10.0.0.6 (host route on azv5678)',
      fields: { count: 2 },
    },
  ])
  logged.length = 0
  t.equal(await get('a'), '10.0.0.7/24', 'the lease that it has')
  t.equal(asked.count, 1, 'nobody is asked about that')
  t.strictSame(logged, [])
  t.equal(await get('b', { address: '10.0.0.8' }), '10.0.0.8/24')
  t.strictSame(logged, [], 'nothing came before the one that was asked for')
  await t.rejects(get('c', { address: '10.0.0.9' }), {
    name: 'AddressError',
    reason: 'in-use',
    address: '10.0.0.9',
    message: 'address 10.0.0.9 is in use outside of this plug-in: host address on eth0',
  })
})

t.test('a pool that others use up: asked once, counted and named', async (t) => {
  const source = sourceOf(POOL)
  const { ipam, clock } = setUp(t.testdir(), source)
  await ipam.acquire({ owner: pod('a'), nics })
  clock.ms += 5_000
  const { asked, inUse } = others({
    '10.0.0.5': 'it has a lease',
    '10.0.0.6': 'neighbour entry on azv1',
    '10.0.0.7': 'neighbour entry on azv2',
    '10.0.0.8': 'in use in /var/run/azure-vnet-ipam.json',
    '10.0.0.9': 'neighbour entry on azv4',
  })
  const failed = ipam.acquire({ owner: pod('b'), nics, inUse, exclude: ['10.0.0.9'] })
  await t.rejects(failed, {
    name: 'PoolExhaustedError',
    reason: 'exhausted',
    message:
      'no free address (10.0.0.0/24 on eth0: 5 addresses, 2 in use, ' +
      '3 used outside of this plug-in: 10.0.0.6 (neighbour entry on azv1), ' +
      '10.0.0.7 (neighbour entry on azv2), ' +
      '10.0.0.8 (in use in /var/run/azure-vnet-ipam.json)); take those addresses out',
  })
  t.equal(source.fetches, 2, 'the source was asked once more')
  t.equal(asked.count, 1, 'the host was not')
  t.strictSame(asked.leased, ['10.0.0.5'], 'for which there is no need to look')
})

t.test('others do not make a difference where only leases do', async (t) => {
  const { ipam, logged } = setUp(
    t.testdir(),
    sourceOf([interfaceOf('10.0.0.0/24', 4, 5)]),
  )
  const { inUse } = others({ '10.9.9.9': 'host address on eth9' })
  await ipam.acquire({ owner: pod('a'), nics, inUse })
  await t.rejects(ipam.acquire({ owner: pod('b'), nics, inUse }), {
    message: 'no free address (10.0.0.0/24 on eth0: 1 addresses, 1 in use); add ip-',
  })
  t.strictSame(logged, [])
})

t.test('the next pool serves when others use the first one', async (t) => {
  const { nic2 } = await import('./fixtures-ipam/hosts.mjs')
  const second = { mac: nic2.mac, primary: false }
  const source = sourceOf([...POOL, interfaceOf('10.1.0.0/24', 4, 6, second)])
  const { ipam } = setUp(t.testdir(), source)
  const { inUse } = others({ '10.1.0.5': 'x', '10.1.0.6': 'y' })
  const lease = await ipam.acquire({ owner: pod('a'), nics, inUse })
  t.equal(lease.address, '10.0.0.5/24')
})

t.test('a lasting look at the host: long lists are cut', async (t) => {
  const { ipam, logged } = setUp(
    t.testdir(),
    sourceOf([interfaceOf('10.0.0.0/24', 4, 60)]),
  )
  const used = Array.from({ length: 40 }, (_, i) => [`10.0.0.${5 + i}`, `pod ${i}`])
  const { inUse } = others(Object.fromEntries(used) as Record<string, string>)
  const lease = await ipam.acquire({ owner: pod('a'), nics, inUse })
  t.equal(lease.address, '10.0.0.45/24')
  t.match(logged, [
    { message: /10\.0\.0\.12 \(pod 7\) and 32 more$/, fields: { count: 40 } },
  ])
})

t.test('a host that cannot be looked at gives no address', async (t) => {
  const { ipam, store } = setUp(t.testdir(), sourceOf(POOL))
  const inUse = () => {
    throw new RangeError('no neighbours')
  }
  await t.rejects(ipam.acquire({ owner: pod('a'), nics, inUse }), { name: 'RangeError' })
  t.strictSame(store.read().leases, [])
})

t.test('IPv6', async (t) => {
  const addresses = ['fd00::4', 'fd00::5', 'fd00::6'].map((address, i) => ({
    address,
    primary: i === 0,
  }))
  const subnets = [{ prefix: 'fd00::/64', addresses }]
  const { ipam } = setUp(t.testdir(), sourceOf([{ mac: '*', primary: true, subnets }]))
  const { inUse } = others({ 'fd00::5': 'host route on azv1' })
  const lease = await ipam.acquire({ owner: pod('a'), nics, family: 'ipv6', inUse })
  t.equal(lease.address, 'fd00::6/64')
})
