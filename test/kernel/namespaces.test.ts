import { readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { act, inside, json, pathOf, syscallError, threadNamespaces } from './helper.js'

const home = readlinkSync('/proc/thread-self/ns/net')

t.test('a new namespace holds lo alone', async (t) => {
  using ns = NetNs.create()
  t.match(json(ns, 'ip link'), [{ ifname: 'lo', operstate: 'DOWN' }])
  t.equal(json(ns, 'ip link').length, 1)
  t.not(inside(ns, 'readlink', ['/proc/self/ns/net']).trim(), home)
})

t.test('open, current, equals', async (t) => {
  using a = NetNs.create()
  using b = NetNs.create()
  using again = NetNs.open(`/proc/self/fd/${a.fd}`)
  using through = NetNs.open(pathOf(a))
  using current = NetNs.current()
  using self = NetNs.open('/proc/self/ns/net')
  t.ok(a.equals(again))
  t.ok(through.equals(a))
  t.notOk(a.equals(b))
  t.notOk(a.equals(current))
  t.ok(current.equals(self))
  t.not(a.fd, again.fd, 'each handle has a descriptor of its own')
})

t.test('a handle keeps the namespace alive', async (t) => {
  const first = NetNs.create()
  act(first, (p) => p.link.add({ kind: 'bridge', name: 'br0' }))
  using second = NetNs.open(pathOf(first))
  first.close()
  t.equal(json(second, 'ip link').length, 2)
})

t.test('what is no namespace', async (t) => {
  const file = join(t.testdir(), 'plain')
  writeFileSync(file, '')
  for (const path of [
    file,
    '/proc/self/ns/uts',
    '/proc/self/ns/user',
    '/dev/null',
    '/',
  ]) {
    const error = syscallError(() => NetNs.open(path))
    t.match(error, { code: 'EINVAL', errno: 22, op: 'netns.open' }, path)
    t.match(error.message, path)
  }
  t.match(
    syscallError(() => NetNs.open('/run/netns/no-such-namespace')),
    {
      code: 'ENOENT',
      syscall: 'open',
      op: 'netns.open',
    },
  )
})

t.test('a FIFO does not make it wait', async (t) => {
  using ns = NetNs.create()
  const path = join(t.testdir(), 'fifo')
  inside(ns, 'mkfifo', [path])
  t.equal(syscallError(() => NetNs.open(path)).code, 'EINVAL')
})

t.test('names that cannot be pinned', async (t) => {
  for (const name of ['', '.', '..', 'a/b', '../x', 'a\0b']) {
    t.throws(() => NetNs.create({ name }), { name: 'TypeError', message: /^name: / })
    t.throws(() => NetNs.delete(name), { name: 'TypeError', message: /^name: / })
  }
  t.throws(() => NetNs.open(''), TypeError)
  t.throws(() => NetNs.open('a\0b'), TypeError)
  t.throws(() => NetNs.open(7 as never), TypeError)
})

t.test('a closed handle', async (t) => {
  const ns = NetNs.create()
  using other = NetNs.create()
  const plan = ns.plan()
  plan.link.dump()
  ns.close()
  ns.close()
  t.equal(ns.fd, -1)
  t.throws(() => plan.runSync(), { name: 'TypeError', message: /namespaces\.0/ })
  await t.rejects(plan.run(), { name: 'TypeError', message: /namespaces\.0/ })
  t.throws(() => ns.equals(other), TypeError)
  t.throws(() => other.equals(ns), TypeError)
  const mixed = other.plan()
  mixed.link.addVeth({ name: 'a' }, { name: 'b', netns: ns })
  t.throws(() => mixed.runSync(), { name: 'TypeError', message: /namespaces\.1/ })
  t.equal(json(other, 'ip link').length, 1, 'nothing was done')
})

t.test('a plan under way finishes after its handle was closed', async (t) => {
  const ns = NetNs.create()
  using watch = NetNs.open(pathOf(ns))
  const plan = ns.plan()
  for (let i = 0; i < 50; i++) plan.link.add({ kind: 'bridge', name: `br${i}` })
  const running = plan.run()
  ns.close()
  await running
  t.equal(json(watch, 'ip link').length, 51)
})

t.test('disposal closes', async (t) => {
  let kept: NetNs
  {
    using ns = NetNs.create()
    kept = ns
    t.ok(ns.fd >= 0)
  }
  t.equal(kept.fd, -1)
  {
    await using ns = NetNs.create()
    kept = ns
  }
  t.equal(kept.fd, -1)
})

t.test('no thread ever stays in another namespace', async (t) => {
  using ns = NetNs.create()
  using pod = NetNs.create()
  const calls: [string, () => unknown][] = [
    ['create', () => NetNs.create().close()],
    ['open', () => NetNs.open(pathOf(ns)).close()],
    ['open fails', () => NetNs.open('/nowhere')],
    ['open a file', () => NetNs.open('/proc/self/ns/uts')],
    ['create fails', () => NetNs.create({ name: 'no-such/../x' })],
    [
      'veth',
      () => act(ns, (p) => p.link.addVeth({ name: 'a' }, { name: 'b', netns: pod })),
    ],
    ['EEXIST', () => act(pod, (p) => p.link.add({ kind: 'bridge', name: 'b' }))],
    ['dump', () => act(pod, (p) => p.route.dump({ family: 'ipv6' }))],
    ['sysctl', () => act(ns, (p) => p.sysctl.set('net/ipv4/ip_forward', '1'))],
    ['sysctl fails', () => act(ns, (p) => p.sysctl.set('net/ipv4/none', '1'))],
    ['malformed', () => act(ns, (p) => p.raw('link.nothing', {}))],
    ['nft', () => act(ns, (p) => p.raw('nft.generation.get', {}))],
    ['conntrack', () => act(ns, (p) => p.conntrack.flush({ family: 'ipv4' }))],
  ]
  for (const [what, call] of calls) {
    try {
      call()
    } catch {
      // Whether it fails is not the matter here.
    }
    t.strictSame(threadNamespaces(), [home], what)
  }
  await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) => {
      const plan = (i % 2 ? ns : pod).plan()
      plan.sysctl.set('net/ipv4/ip_forward', i % 3 ? '1' : 'wrong')
      plan.link.add({ kind: 'bridge', name: `x${i % 7}` })
      return plan.run()
    }),
  )
  t.strictSame(threadNamespaces(), [home], 'concurrent plans, some of which fail')
})
