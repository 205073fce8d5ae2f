import t from 'tap'
import { NetNs, NetlinkError, SyscallError } from '../../dist/esm/index.js'
import { FakeKernel } from '../../dist/esm/testing/index.js'

t.test('plans run without root, and every step is recorded', async (t) => {
  const fake = new FakeKernel()
  const host = fake.netns()
  const pod = fake.netns()
  const plan = host.plan()
  const bridge = plan.link.ensure({ kind: 'bridge', name: 'br0', up: true })
  const [, inner] = plan.link.addVeth(
    { name: 'a0', master: bridge },
    { name: 'eth0', netns: pod },
  )
  plan.in(pod).link.set(inner, { up: true })
  plan.in(pod).address.add({ link: inner, address: '10.0.0.5/24' })
  await plan.run()
  const read = pod.plan()
  const addresses = read.address.dump()
  t.match((await read.run()).of(addresses), [{ link: 2, address: '10.0.0.5/24' }])
  t.same(
    fake.steps.map(({ op, undo, code }) => [op, undo, code]),
    [
      ['link.new', false, undefined],
      ['link.new', false, undefined],
      ['link.set', false, undefined],
      ['address.new', false, undefined],
      ['address.dump', false, undefined],
    ],
  )
  t.ok(fake.steps[3]?.netns.equals(pod))
  t.notOk(pod.equals(host))
})

t.test('injected failures come after so many, so often, and are undone', async (t) => {
  const fake = new FakeKernel()
  const host = fake.netns()
  fake.failOn('link.new', 'EINVAL', { after: 1, extAck: 'on purpose' })
  const plan = host.plan()
  plan.link.add({ kind: 'bridge', name: 'br0' })
  plan.link.add({ kind: 'bridge', name: 'br1' })
  const error = await plan.run().catch((e: unknown) => e)
  t.type(error, NetlinkError)
  t.match(error, { code: 'EINVAL', step: 1, extAck: 'on purpose', op: 'link.new' })
  t.match(fake.steps.at(-1), { op: 'link.del', undo: true })
  const links = host.plan()
  const all = links.link.dump()
  t.same(
    links
      .runSync()
      .of(all)
      .map((l) => l.name),
    ['lo'],
  )

  fake.reset()
  fake.failOn('sysctl.set', 'EACCES', { times: Infinity, syscall: 'open' })
  const sysctl = host.plan()
  sysctl.sysctl.set('net/ipv4/ip_forward', '1')
  t.throws(() => sysctl.runSync(), SyscallError)
  t.throws(() => sysctl.runSync(), { code: 'EACCES', syscall: 'open' })
  t.same(
    fake.steps.map((s) => s.code),
    ['EACCES', 'EACCES'],
  )
})

t.test('an undo that fails is reported', async (t) => {
  const fake = new FakeKernel()
  fake.failOn('route.del', 'EPERM').failOn('link.del', 'EBUSY')
  const plan = fake.netns().plan()
  plan.link.add({ kind: 'bridge', name: 'br0' })
  plan.route.del({ to: '10.0.0.0/8' })
  const error = await plan.run().catch((e: unknown) => e)
  t.match(error, {
    code: 'EPERM',
    undoFailures: [{ code: 'EBUSY', op: 'link.del', step: 0 }],
  })
})

t.test('it can be watched, with the same bound', async (t) => {
  const fake = new FakeKernel()
  const host = fake.netns()
  const monitor = host.monitor(['link'], { limit: 2 })
  const plan = host.plan()
  for (const name of ['b0', 'b1', 'b2', 'b3']) plan.link.add({ kind: 'bridge', name })
  await plan.run()
  const kinds: string[] = []
  for await (const event of monitor) {
    kinds.push(event.kind === 'overrun' ? 'overrun' : event.link.name)
    if (event.kind === 'overrun') break
  }
  t.same(kinds, ['b0', 'b1', 'overrun'])
  t.same(await monitor.next(), { done: true, value: undefined })
})

t.test('signals, and programs that there are none of', async (t) => {
  const host = new FakeKernel().netns()
  const controller = new AbortController()
  const { signal } = controller
  await host.link.add({ kind: 'bridge', name: 'br0' }, { signal })
  const late = host.link.add({ kind: 'bridge', name: 'br1' }, { signal })
  controller.abort('no more')
  t.equal(await late.catch((reason: unknown) => reason), 'no more')
  await t.rejects(host.link.dump({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  t.equal(host.sync.link.dump().length, 2)
  t.same(await host.conntrack.list(), [])
  t.throws(() => host.spawn('true'), { name: 'TypeError', message: /runs no programs/ })
  await t.rejects(host.exec('true'), { name: 'TypeError', message: /runs no programs/ })
})

t.test('bad input', async (t) => {
  const fake = new FakeKernel()
  const host = fake.netns()
  t.throws(() => fake.failOn('route.neu', 'EINVAL'), { message: /op: route.neu/ })
  t.throws(() => fake.failOn('route.new', 'EFOO'), { message: /code: EFOO/ })
  const unknown = host.plan()
  unknown.link.add({ kind: 'bridge', name: 'br0' })
  unknown.raw('no.such', {})
  t.throws(() => unknown.runSync(), { name: 'TypeError', message: /no\.such/ })
  await t.rejects(unknown.run(), { name: 'TypeError' })
  t.same(fake.steps, [], 'nothing ran')
  t.throws(() => host.plan().in(new FakeKernel().netns()).link.dump(), {
    name: 'TypeError',
    message: /cannot mix/,
  })
  host.close()
  const late = host.plan()
  late.link.dump()
  t.throws(() => late.runSync(), { name: 'TypeError', message: /not an open/ })
  t.type(NetNs, 'function')
})
