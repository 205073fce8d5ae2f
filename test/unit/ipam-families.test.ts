import t from 'tap'
import { interfaceOf, nic, sourceOf } from './fixtures-ipam/hosts.mjs'
import { nics, pod, setUp } from './fixtures-ipam/set-up.js'

/** One NIC with three addresses of each family for pods. */
function dual() {
  const six = ['fd00::4', 'fd00::5', 'fd00::6', 'fd00::7']
  const addresses = six.map((address, i) => ({ address, primary: i === 0 }))
  const four = interfaceOf('10.0.0.0/24', 4, 7)
  return [{ ...four, subnets: [...four.subnets, { prefix: 'fd00::/64', addresses }] }]
}

t.test('an owner has one lease of each family', async (t) => {
  const { ipam } = setUp(t.testdir(), sourceOf(dual()))
  const four = await ipam.acquire({ owner: pod('a'), nics })
  const six = await ipam.acquire({ owner: pod('a'), nics, family: 'ipv6' })
  t.match(four, { address: '10.0.0.5/24', gateway: '10.0.0.1' })
  t.match(six, { address: 'fd00::5/64', gateway: 'fd00::1' })
  t.strictSame(await ipam.acquire({ owner: pod('a'), nics, family: 'ipv4' }), four)
  t.strictSame(await ipam.acquire({ owner: pod('a'), nics, family: 'ipv6' }), six)
  t.strictSame(await ipam.acquire({ owner: pod('a'), nics, subnet: 'fd00::/64' }), six)
  t.strictSame(await ipam.acquire({ owner: pod('a'), nics, address: 'FD00::5' }), six)
  t.strictSame(ipam.find(pod('a')), [four, six])
  t.strictSame(ipam.find(pod('a'), 'ipv4'), [four])
  t.strictSame(ipam.find(pod('a'), 'ipv6'), [six])
  await t.rejects(ipam.acquire({ owner: pod('a'), nics, address: 'fd00::6' }), {
    name: 'AddressError',
    reason: 'other-lease',
    message: /fd00::6 was asked for, but a eth0 of network azure has fd00::5\/64/,
  })
  t.equal(ipam.snapshot(nics).leases.length, 2)
})

t.test('release of one family, and of all', async (t) => {
  const { ipam, store, clock, counts } = setUp(t.testdir(), sourceOf(dual()))
  const four = await ipam.acquire({ owner: pod('a'), nics })
  const six = await ipam.acquire({ owner: pod('a'), nics, family: 'ipv6' })
  const other = await ipam.acquire({ owner: pod('b'), nics, family: 'ipv6' })
  t.strictSame(await ipam.release(pod('a'), 'ipv4'), [four])
  const { taken } = counts
  t.strictSame(await ipam.release(pod('a'), 'ipv4'), [], 'repeats')
  t.equal(counts.taken, taken, 'and takes no lock')
  t.strictSame(ipam.find(pod('a')), [six])
  const again = await ipam.acquire({ owner: pod('a'), nics })
  t.strictSame(await ipam.release(pod('a')), [six, again])
  t.strictSame(ipam.find(pod('a')), [])
  t.strictSame(ipam.find(pod('b')), [other], 'another owner keeps its own')
  const { freed } = store.read()
  t.strictSame(freed, {
    '10.0.0.5': clock.ms,
    '10.0.0.6': clock.ms,
    'fd00::5': clock.ms,
  })
})

t.test('release by address ends that lease alone', async (t) => {
  const { ipam } = setUp(t.testdir(), sourceOf(dual()))
  const four = await ipam.acquire({ owner: pod('a'), nics })
  const six = await ipam.acquire({ owner: pod('a'), nics, family: 'ipv6' })
  t.strictSame(await ipam.releaseAddress('azure', 'FD00:0::5/64'), six)
  t.strictSame(ipam.find(pod('a')), [four])
})

t.test('an address or subnet of another family than is wanted', async (t) => {
  const { ipam } = setUp(t.testdir(), sourceOf(dual()))
  const ask = (wish: object) => ipam.acquire({ owner: pod('a'), nics, ...wish })
  await t.rejects(ask({ address: '10.0.0.5', family: 'ipv6' }), {
    name: 'TypeError',
    message: 'address "10.0.0.5" is not of the family that is wanted, IPv6',
  })
  await t.rejects(ask({ subnet: 'fd00::/64', family: 'ipv4' }), {
    name: 'TypeError',
    message: 'subnet "fd00::/64" is not of the family that is wanted, IPv4',
  })
  await t.rejects(ask({ subnet: 'fd00::/64', address: '10.0.0.5' }), {
    name: 'TypeError',
    message: /^subnet "fd00::\/64"/,
  })
})

t.test('a family of which the NIC has none', async (t) => {
  const { ipam } = setUp(t.testdir(), sourceOf([interfaceOf('10.0.0.0/24', 4, 7)]))
  await ipam.acquire({ owner: pod('a'), nics })
  await t.rejects(ipam.acquire({ owner: pod('a'), nics, family: 'ipv6' }), {
    name: 'PoolExhaustedError',
    reason: 'no-pool',
    message: 'no pool fits ipv6; known pools: 10.0.0.0/24 on eth0;',
  })
  t.equal(nic.name, 'eth0')
})
