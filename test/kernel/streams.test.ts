/**
 * Dumps that are read a little at a time.
 */
import { readdirSync } from 'node:fs'
import t from 'tap'
import { NetNs, type Link } from 'vnet-cni'
import { FakeKernel } from 'vnet-cni/testing'
import { act } from './helper.js'

const ROUTES = 6000
const descriptors = () => readdirSync('/proc/self/fd').length

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const one of stream) list.push(one)
  return list
}

/** A namespace with some of everything, and more IPv6 routes than fit into four datagrams. */
function room(): NetNs {
  const ns = NetNs.create()
  act(ns, (p) => {
    p.link.set('lo', { up: true })
    const br = p.link.add({ kind: 'bridge', name: 'br0', up: true })
    const [v0] = p.link.addVeth({ name: 'v0', master: br, up: true }, { name: 'v1' })
    p.address.add({ link: br, address: '10.0.0.1/24' })
    p.neighbour.add({ link: br, address: '10.0.0.9', mac: '02:00:00:00:00:01' })
    p.fdb.add({ link: v0, mac: '02:00:00:00:00:01', state: 'static' })
    p.rule.add({ family: 'ipv4', priority: 10, table: 1000 })
    p.nsid.set(ns, 7)
    for (let i = 0; i < ROUTES; i++) {
      p.route.add({ to: `fd00:${i.toString(16)}::/64`, link: br, table: 1000 })
    }
  })
  return ns
}

t.test('a stream tells what a dump does', async (t) => {
  using ns = room()
  // A bridge's settings have timers that run.
  const still = (links: Link[]) => links.map(({ settings: _, ...link }) => link)
  t.strictSame(still(await all(ns.link.stream())), still(await ns.link.dump()))
  t.strictSame(
    await all(ns.link.stream({ master: 'br0' })),
    await ns.link.dump({ master: 'br0' }),
  )
  t.strictSame(
    await all(ns.address.stream({ link: 'br0' })),
    await ns.address.dump({ link: 'br0' }),
  )
  const filter = { family: 'ipv6', table: 1000 } as const
  const routes = await all(ns.route.stream(filter))
  t.equal(routes.length, ROUTES)
  t.strictSame(routes, await ns.route.dump(filter))
  t.strictSame(await all(ns.rule.stream()), await ns.rule.dump())
  t.strictSame(
    await all(ns.fdb.stream({ bridge: 'br0' })),
    await ns.fdb.dump({ bridge: 'br0' }),
  )
  t.strictSame(new Map(await all(ns.bridgePort.stream())), await ns.bridgePort.dump())
  t.strictSame(await all(ns.nsid.stream()), [7])
  t.strictSame(await all(ns.conntrack.stream()), [])
  // IPv6 adds neighbours of its own meanwhile.
  const addresses = (await all(ns.neighbour.stream())).map(({ address }) => address)
  t.ok(addresses.includes('10.0.0.9'))
  // A table that was never used has no routes, as for a dump.
  t.strictSame(await all(ns.route.stream({ family: 'ipv6', table: 77 })), [])
})

t.test('leaving the loop lets go of the socket', async (t) => {
  using ns = room()
  await ns.link.dump()
  const before = descriptors()
  for (let i = 0; i < 20; i++) {
    for await (const route of ns.route.stream({ family: 'ipv6' })) {
      t.ok(route.to, 'a route')
      break
    }
  }
  t.equal(descriptors(), before, 'after break')
  const by = ns.route.stream({ family: 'ipv6' })
  await by.next()
  t.equal(descriptors(), before + 1, 'while it is read')
  // Others have their turn between its parts.
  t.equal((await ns.link.dump()).length, 4)
  t.equal(ns.sync.route.dump({ family: 'ipv6', table: 1000 }).length, ROUTES)
  await by.return()
  t.equal(descriptors(), before, 'after return()')
  t.strictSame(await by.next(), { done: true, value: undefined })
  const last = NetNs.fromFd(ns.fd)
  await last.route.stream({ family: 'ipv6' }).next()
  last.close()
  await t.rejects(all(last.route.stream()), TypeError, 'a closed handle')
})

t.test('aborted: it rejects with the reason', async (t) => {
  using ns = room()
  await ns.link.dump()
  const before = descriptors()
  const reason = new Error('enough')
  const controller = new AbortController()
  let seen = 0
  const reading = async () => {
    for await (const _ of ns.route.stream(
      { family: 'ipv6' },
      { signal: controller.signal },
    )) {
      if (++seen === 10) controller.abort(reason)
    }
  }
  await t.rejects(reading(), reason)
  t.ok(seen >= 10 && seen < ROUTES, `${seen} seen`)
  t.equal(descriptors(), before)
  await t.rejects(all(ns.link.stream({ signal: AbortSignal.abort(reason) })), reason)
})

t.test('refusals', async (t) => {
  using ns = NetNs.create()
  await t.rejects(all(ns.address.stream({ link: 'none' })), { code: 'ENODEV' })
  await t.rejects(all(ns.route.stream({ tabel: 1 } as never)), TypeError)
})

t.test('a table that changes meanwhile: EINTR, at its end', async (t) => {
  using ns = room()
  let seen = 0
  const reading = async () => {
    for await (const { to } of ns.route.stream({ family: 'ipv6', table: 1000 })) {
      if (!to.startsWith('fd00:')) continue
      if (++seen === 1) ns.sync.route.add({ to: 'fc00::/64', link: 'br0', table: 1000 })
    }
  }
  await t.rejects(reading(), { name: 'NetlinkError', code: 'EINTR', op: 'stream.read' })
  t.ok(seen >= ROUTES, `${seen} were told before`)
})

t.test('a model of the kernel has streams too', async (t) => {
  const fake = new FakeKernel()
  using ns = fake.netns()
  t.strictSame(await all(ns.link.stream()), await ns.link.dump())
})
