/**
 * What lies between us and the kernel: datagrams of any size, answers that are cut, sockets that
 * fail, and kernels that do not filter.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { counter, NetNs, Transaction, type Expr } from 'vnet-cni'
import { act, pathOf } from './helper.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** So many names of 126 letters make the kernel's answer larger than 64 KiB. */
const NAMES = 495

const altName = (i: number) => String(i).padStart(4, '0') + 'x'.repeat(122)

/** A namespace with a link that does not fit into 64 KiB, and fifty others. */
function large(): NetNs {
  const ns = NetNs.create()
  act(ns, (p) => {
    const big = p.link.add({ kind: 'bridge', name: 'big' })
    for (let i = 0; i < NAMES; i++) p.link.addAltName(big, altName(i))
    for (let i = 0; i < 50; i++) p.link.add({ kind: 'bridge', name: `m${i}` })
  })
  return ns
}

/** Runs a script under strace, which makes system calls fail, and answers with what it printed. */
function withFaults(ns: NetNs, inject: string[], script: string): unknown {
  const faults = inject.flatMap((one) => ['-e', `inject=${one}`])
  const traced = `trace=${inject.map((one) => one.split(':')[0]).join()}`
  const quiet = ['-f', '-qq', '-e', traced, '-e', 'signal=none', '-o', '/dev/null']
  const strace = inject.length > 0 ? ['strace', ...quiet, ...faults] : []
  const node = [process.execPath, '--input-type=module', '-e', script]
  const done = spawnSync('nsenter', [`--net=${pathOf(ns)}`, ...strace, ...node], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (done.status !== 0) throw new Error(`status ${done.status}: ${done.stderr}`)
  return JSON.parse(done.stdout)
}

t.test('a link that is larger than 64 KiB', async (t) => {
  using ns = large()
  const count = 52
  for (const options of [{}, { statistics: true }]) {
    // The first dump of a handle, and one of a socket that has read large datagrams.
    using fresh = NetNs.fromFd(ns.fd)
    t.equal(fresh.sync.link.dump(options).length, count, JSON.stringify(options))
    t.equal(fresh.sync.link.dump(options).length, count)
    t.equal((await fresh.link.dump(options)).length, count)
  }
  using fresh = NetNs.fromFd(ns.fd)
  const plan = fresh.plan()
  const bare = plan.raw<unknown[]>('link.dump', {})
  t.equal(plan.runSync().of(bare).length, count)
  using reader = NetNs.fromFd(ns.fd)
  t.equal(reader.sync.link.read('big')?.altNames?.length, NAMES)
  t.equal((await reader.link.read('big'))?.altNames?.length, NAMES)
})

t.test('a notification that is larger than 64 KiB', async (t) => {
  using ns = large()
  const monitor = ns.monitor(['link'])
  await ns.link.set('big', { mtu: 1400 })
  for await (const event of monitor) {
    t.match(event, { kind: 'link', change: 'new', link: { name: 'big', mtu: 1400 } })
    t.equal(event.kind === 'link' && event.link.altNames?.length, NAMES)
    break
  }
})

t.test('a rule that is larger than a page, read as the first thing', async (t) => {
  using ns = NetNs.create()
  const rule: Expr[] = Array.from({ length: 120 }, () => counter())
  const chain = { family: 'ip', table: 't', name: 'c' } as const
  const tx = new Transaction().addTable({ family: 'ip', name: 't' }).addChain(chain)
  for (let i = 0; i < 3; i++) {
    tx.addRule({ family: 'ip', table: 't', chain: 'c', expressions: rule })
  }
  ns.sync.nftables.commit(tx)
  using fresh = NetNs.fromFd(ns.fd)
  const plan = fresh.plan()
  const dump = plan.raw<unknown[]>('nft.rule.dump', { family: 2 })
  t.equal(plan.runSync().of(dump).length, 3)
})

t.test('a batch near the largest message: committed or refused', (t) => {
  using ns = NetNs.create()
  const LARGEST = 16 << 20
  const [header, empty] = [16 + 4, 16 + 4]
  // A table's name takes an attribute of its own; the rest is user data.
  const table = (bytes: number) => ({
    op: 'nft.table.new',
    flags: 0x400,
    args: { family: 2, name: 'abc', userdata: new Uint8Array(bytes - empty - 8 - 4) },
  })
  const block = 32768
  for (const rest of [-24, -20, -16, -12, -4, 0]) {
    const total = LARGEST - header + rest
    const whole = Math.floor(total / block) - 1
    const last = total - whole * block
    const messages = Array.from({ length: whole }, () => table(block))
    messages.push(table(last))
    const plan = ns.plan()
    plan.raw('nft.batch', { messages })
    // The end has 20 bytes. What fits is refused by the kernel, for the length of the user data.
    if (rest <= -20) t.throws(() => plan.runSync(), { name: 'NetlinkError' }, `${rest}`)
    else
      t.throws(() => plan.runSync(), { name: 'TypeError', message: /16 MiB/ }, `${rest}`)
  }
  t.end()
})

t.test('a socket is opened anew after it failed', (t) => {
  using ns = large()
  const script = `
    import { NetNs } from 'vnet-cni'
    const ns = NetNs.current()
    const seen = []
    for (let i = 0; i < 3; i++) {
      try { seen.push(ns.sync.link.dump().length) } catch (error) { seen.push(error.code) }
    }
    console.log(JSON.stringify(seen))`
  // Two calls read the answer to the first message, two each datagram of the dump.
  for (const when of [3, 4, 5, 6, 7]) {
    const inject = [`recvfrom:error=ENOBUFS:when=${when}`]
    t.strictSame(withFaults(ns, inject, script), ['ENOBUFS', 52, 52], `call ${when}`)
  }
  t.end()
})

t.test('what answers another request is not taken for an answer', (t) => {
  using ns = NetNs.create()
  // The kernel sends the echo of a link that is made in another namespace to the socket there that
  // has the port of the one here. Without random numbers the sequence numbers of both begin alike, so
  // that the echo has the number of the dump that follows.
  const script = `
    import { NetNs } from './dist/esm/index.js'
    const here = NetNs.current()
    const there = NetNs.create()
    here.sync.link.get('lo')
    there.sync.link.get('lo')
    const plan = here.plan()
    const args = { name: 'echoed', netns: 1, info: { kind: 'bridge' } }
    plan.raw('link.new', args, { flags: 0x600 })
    plan.in(there).sysctl.get('net/ipv4/ip_forward')
    let refused
    try { plan.runSync({ onFailure: 'stop' }) } catch (error) { refused = error.code }
    const dump = there.plan()
    const routes = dump.raw('route.dump', {})
    const told = dump.runSync().of(routes)
    const made = there.sync.link.dump().map((link) => link.name)
    console.log(JSON.stringify({ refused, told, made }))
  `
  const fault = ['getrandom:retval=4']
  // The index of the link is asked for here, where it is not.
  t.same(withFaults(ns, fault, script), {
    refused: 'ENODEV',
    told: [],
    made: ['lo', 'echoed'],
  })
  t.end()
})

t.test('a kernel without strict checks: we filter', (t) => {
  using ns = NetNs.create()
  act(ns, (p) => {
    p.link.set('lo', { up: true })
    const br = p.link.add({ kind: 'bridge', name: 'br0', up: true })
    const [v0] = p.link.addVeth(
      { name: 'v0', master: br, up: true },
      { name: 'v1', up: true },
    )
    p.address.add({ link: br, address: '10.0.0.1/24' })
    p.address.add({ link: br, address: 'fd00::1/64', nodad: true })
    p.address.add({ link: 'v1', address: '10.1.0.1/24' })
    p.route.add({ to: '10.2.0.0/24', via: '10.0.0.2', link: br })
    p.route.add({ to: '10.3.0.0/24', via: '10.0.0.2', link: br, table: 1000 })
    p.route.add({ to: '10.4.0.0/24', type: 'blackhole', protocol: 'boot' })
    p.route.add({ to: 'fd01::/64', via: 'fd00::2', link: br })
    const hops = [
      { via: '10.0.0.3', link: br },
      { via: '10.1.0.3', link: 'v1' },
    ]
    p.route.add({ to: '10.5.0.0/24', hops })
    const mac = '02:00:00:00:00:01'
    p.neighbour.add({ link: br, address: '10.0.0.9', mac })
    p.neighbour.add({ link: 'v1', address: '10.1.0.9', mac })
    p.neighbour.add({ link: br, address: '10.0.0.8', proxy: true })
    p.fdb.add({ link: v0, mac, state: 'static' })
    p.rule.add({ family: 'ipv4', priority: 10, table: 1000 })
    p.rule.add({ family: 'ipv6', priority: 10, table: 1000 })
  })
  const dumps = [
    `link.dump()`,
    `link.dump({ master: 'br0' })`,
    `link.dump({ master: null })`,
    `address.dump()`,
    `address.dump({ link: 'br0' })`,
    `address.dump({ family: 'ipv6' })`,
    `route.dump()`,
    `route.dump({ family: 'ipv4', table: 1000 })`,
    `route.dump({ family: 'ipv4', table: 'main' })`,
    `route.dump({ family: 'ipv6' })`,
    `route.dump({ link: 'v1' })`,
    `route.dump({ type: 'blackhole' })`,
    `route.dump({ protocol: 'kernel' })`,
    `neighbour.dump()`,
    `neighbour.dump({ link: 'v1' })`,
    `neighbour.dump({ proxy: true })`,
    `fdb.dump()`,
    `fdb.dump({ link: 'v0' })`,
    `rule.dump()`,
    `rule.dump({ family: 'ipv6' })`,
    `bridgePort.dump()`,
  ]
  const script = `
    import { NetNs } from 'vnet-cni'
    const ns = NetNs.current().sync
    // What IPv6 makes by itself comes late.
    const own = (e) => !/^(ff|fe80|22)/.test(e.to ?? e.address ?? '')
    const told = (list) => [...list.values()].filter(own).map((e) => [
      e.to ?? e.address ?? e.mac ?? e.name, e.table, e.link, e.priority, e.family, e.type].join())
    const all = [${dumps.map((dump) => `ns.${dump}`).join()}].map((list) => told(list).toSorted())
    let refused
    try { ns.fdb.dump({ bridge: 'br0' }) } catch (error) { refused = error.message }
    console.log(JSON.stringify({ all, refused }))`
  const modern = withFaults(ns, [], script) as { all: string[][]; refused?: string }
  const old = withFaults(ns, ['setsockopt:error=ENOPROTOOPT'], script) as typeof modern
  for (const [i, dump] of dumps.entries()) {
    t.ok((modern.all[i]?.length ?? 0) > 0, `${dump} finds something`)
    t.strictSame(old.all[i], modern.all[i], dump)
  }
  t.equal(modern.refused, undefined)
  t.match(old.refused, /EOPNOTSUPP.*NETLINK_GET_STRICT_CHK \(Linux 4\.20\)/)
  t.end()
})
