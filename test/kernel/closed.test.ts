/**
 * Handles when what they stand for is gone: closed by the caller, or its file or process no more.
 */
import { once } from 'node:events'
import t from 'tap'
import { NetNs, SyscallError, Transaction, type Plan } from 'vnet-cni'
import { act, start, syscallError } from './helper.js'

const host = NetNs.current()
t.teardown(() => host.close())

/** A verb of each group. */
const VERBS: readonly ((plan: Plan) => unknown)[] = [
  (p) => p.link.dump(),
  (p) => p.address.dump(),
  (p) => p.route.dump(),
  (p) => p.rule.dump(),
  (p) => p.neighbour.dump(),
  (p) => p.fdb.dump(),
  (p) => p.bridgePort.dump(),
  (p) => p.nsid.get(host),
  (p) => p.sysctl.get('net/ipv4/ip_forward'),
  (p) => p.nftables.tables(),
  (p) => p.conntrack.list(),
  (p) => p.nftables.commit(new Transaction()),
]

t.test('a closed NetNs', async (t) => {
  const ns = NetNs.create()
  using open = NetNs.create()
  ns.close()
  const expected = { name: 'TypeError', message: /namespace handle \(NetNs\)/ }
  for (const verb of VERBS) {
    t.throws(() => act(ns, verb), expected)
    const plan = ns.plan()
    verb(plan)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await t.rejects(plan.run(), expected)
  }
  t.throws(() => ns.sync.link.dump(), expected)
  await t.rejects(ns.link.dump(), expected)
  t.throws(() => ns.monitor(['link']), expected)
  t.throws(() => ns.spawn('true'), expected)
  await t.rejects(ns.exec('true'), expected)
  t.throws(() => ns.equals(open), expected)
  t.throws(() => open.equals(ns), expected)
  t.throws(
    () => open.sync.link.addVeth({ name: 'a' }, { name: 'b', netns: ns }),
    expected,
  )
  t.throws(() => open.sync.nsid.get(ns), expected)
  t.equal(open.sync.link.dump().length, 1, 'nothing was done')
})

t.test('a closed monitor is at its end, as an iterator is', async (t) => {
  using ns = NetNs.create()
  const monitor = ns.monitor(['link'])
  monitor.close()
  t.strictSame(await monitor.next(), { done: true, value: undefined })
  t.strictSame(await monitor.return(), { done: true, value: undefined })
  monitor.close()
})

t.test('a child that has ended takes no signal', async (t) => {
  using ns = NetNs.create()
  const child = ns.spawn('true', [], { stdio: 'ignore' })
  t.strictSame(await child.exited, { code: 0, signal: null })
  t.equal(child.kill(), false)
  child.ref()
  child.unref()
  t.throws(() => child.kill('SIGWHAT' as never), {
    name: 'TypeError',
    message: /^signal: /,
  })
})

/** Works by the handle, as before. */
function works(ns: NetNs): string[] {
  act(ns, (p) => p.link.add({ kind: 'bridge', name: 'late' }))
  return ns.sync.link.dump().map(({ name }) => name)
}

t.test('a namespace whose file went away', async (t) => {
  const name = `vnet-closed-${process.pid}`
  NetNs.create({ name }).close()
  let here = true
  const remove = () => {
    if (here) NetNs.delete(name)
    here = false
  }
  t.teardown(remove)
  using ns = NetNs.openPinned(name)
  const path = `/run/netns/${name}`
  remove()
  t.strictSame(works(ns), ['lo', 'late'])
  for (const open of [() => NetNs.open(path), () => NetNs.openPinned(name)]) {
    t.match(syscallError(open), { code: 'ENOENT', syscall: 'open', message: path })
  }
  t.equal((await ns.exec('true')).stdout, '')
})

t.test('a namespace whose process died', async (t) => {
  using own = NetNs.create()
  const child = start(own, 'unshare', ['-n', 'sh', '-c', 'echo up; exec cat'])
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const pid = child.pid as number
  using ns = NetNs.fromPid(pid)
  t.notOk(ns.equals(own))
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  t.strictSame(works(ns), ['lo', 'late'])
  t.throws(() => NetNs.fromPid(pid), SyscallError)
  t.equal(syscallError(() => NetNs.fromPid(pid)).code, 'ENOENT')
})
