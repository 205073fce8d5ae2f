import t from 'tap'
import { NetNs, type Address, type Done, type Link, type StepRef } from 'vnet-cni'
import { act, threadNamespaces } from './helper.js'

const SPACES = 16
const PLANS = 1000

interface Job {
  readonly space: number
  readonly number: number
  readonly own: StepRef<Link | undefined>
  readonly addresses: StepRef<Address[]>
  readonly mark: StepRef<string>
  readonly done: Promise<Done>
}

/** Namespaces that each have a number in all that can be read of them. */
function spaces(): NetNs[] {
  return Array.from({ length: SPACES }, (_, i) => {
    const ns = NetNs.create()
    act(ns, (p) => {
      const link = p.link.add({ kind: 'bridge', name: `home${i}`, mtu: 1000 + i })
      p.address.add({ link, address: `10.${i}.0.1/24` })
      p.sysctl.set('net/ipv4/ip_default_ttl', String(100 + i))
    })
    return ns
  })
}

function begin(list: readonly NetNs[], number: number): Job {
  const space = number % SPACES
  const ns = list[space] as NetNs
  const other = list[(space + 1) % SPACES] as NetNs
  const plan = ns.plan()
  const [a] = plan.link.addVeth(
    { name: `a${number}`, mtu: 2000 + number },
    { name: `b${number}`, netns: other, mtu: 3000 + number },
  )
  plan.address.add({ link: a, address: `172.16.${number >> 8}.${number & 255}/32` })
  const own = plan.link.read(`a${number}`)
  const addresses = plan.address.dump()
  const mark = plan.sysctl.get('net/ipv4/ip_default_ttl')
  return { space, number, own, addresses, mark, done: plan.run() }
}

t.test('plans at once: each gets its own answers', async (t) => {
  const list = spaces()
  t.teardown(() => list.forEach((ns) => ns.close()))
  const jobs = Array.from({ length: PLANS }, (_, number) => begin(list, number))
  let right = 0
  for (const job of jobs) {
    const done = await job.done
    const own = done.of(job.own)
    const addresses = done.of(job.addresses).map((a) => a.address)
    const { number, space } = job
    const ok =
      own?.name === `a${number}` &&
      own.mtu === 2000 + number &&
      done.of(job.mark) === String(100 + space) &&
      addresses.includes(`172.16.${number >> 8}.${number & 255}/32`) &&
      addresses.includes(`10.${space}.0.1/24`) &&
      addresses.every((a) => !a.startsWith('10.') || a === `10.${space}.0.1/24`)
    if (ok) right++
    else t.fail(`plan ${number} got the answers of another`, { own, addresses })
  }
  t.equal(right, PLANS)
  t.equal(threadNamespaces().length, 1)
})

t.test('failures at once: each error is that of its own plan', async (t) => {
  const list = spaces()
  t.teardown(() => list.forEach((ns) => ns.close()))
  const jobs = Array.from({ length: PLANS }, (_, i) => {
    const plan = (list[i % SPACES] as NetNs).plan()
    for (let k = 0; k < i % 5; k++) plan.link.get('lo')
    if (i % 3 === 0) plan.link.get(`none${i}`)
    else if (i % 3 === 1) plan.address.add({ link: 1, address: `10.9.9.${i & 255}/32` })
    else plan.link.add({ kind: 'bridge', name: `home${i % SPACES}` })
    plan.link.get(`late${i}`)
    return plan.run().then(
      () => undefined,
      (error: unknown) => error,
    )
  })
  const errors = await Promise.all(jobs)
  errors.forEach((error, i) => {
    const expected = [
      { code: 'ENODEV', step: i % 5, message: new RegExp(`none${i}$`) },
      { code: 'ENODEV', step: (i % 5) + 1, message: new RegExp(`late${i}$`) },
      { code: 'EEXIST', step: i % 5, message: new RegExp(`home${i % SPACES}$`) },
    ][i % 3]
    t.match(error, expected as object)
  })
  for (const ns of list) {
    const plan = ns.plan()
    const dump = plan.address.dump()
    const left = plan
      .runSync()
      .of(dump)
      .filter((a) => a.address.startsWith('10.9.9.'))
    t.strictSame(left, [], 'undone')
  }
})

t.test('sync and async plans over one handle', async (t) => {
  using ns = NetNs.create()
  const running = Array.from({ length: 100 }, (_, i) => {
    const plan = ns.plan()
    const ref = plan.link.add({ kind: 'bridge', name: `br${i}` })
    return plan.run().then((done) => [i, done.of(ref)] as const)
  })
  const seen: number[] = []
  for (let i = 0; i < 100; i++) {
    const plan = ns.plan()
    const dump = plan.link.dump()
    seen.push(plan.runSync().of(dump).length)
  }
  const made = await Promise.all(running)
  t.ok(seen.every((n, i) => n >= 1 && n <= 101 && n >= (seen[i - 1] ?? 0)))
  const plan = ns.plan()
  const dump = plan.link.dump()
  const byName = new Map(
    plan
      .runSync()
      .of(dump)
      .map((l) => [l.name, l.index]),
  )
  t.ok(made.every(([i, index]) => byName.get(`br${i}`) === index))
})
