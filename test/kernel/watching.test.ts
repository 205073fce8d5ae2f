/**
 * Monitors and programs share one thread of ours: how many threads and descriptors they cost, and
 * that they do not stand in each other's way.
 */
import { readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { NetNs, type Monitor } from '../../dist/esm/index.js'
import { child } from '../native/children.js'

const MONITORS = 1000
const PROGRAMS = 20

const count = (what: 'fd' | 'task') => readdirSync(`/proc/self/${what}`).length

function counts() {
  return { descriptors: count('fd'), threads: count('task') }
}

/** Waits, as long as the test may take, until there are no more than before. */
async function settled(before: { descriptors: number; threads: number }): Promise<void> {
  while (count('fd') > before.descriptors || count('task') > before.threads) await turn()
}

function room(test: { teardown(fn: () => void): unknown }): NetNs {
  const ns = NetNs.create()
  test.teardown(() => ns.close())
  // Its sockets and the threads of Node's pool are there before anything is counted.
  ns.sync.link.dump()
  return ns
}

t.test('a thousand monitors: one thread, a descriptor each and two', async (t) => {
  const ns = room(t)
  await ns.link.dump()
  const before = counts()
  const monitors = Array.from({ length: MONITORS }, () => ns.monitor(['link', 'address']))
  const during = counts()
  t.strictSame(during, {
    descriptors: before.descriptors + MONITORS + 2,
    threads: before.threads + 1,
  })

  ns.sync.link.add({ kind: 'bridge', name: 'br0' })
  const events = await Promise.all(monitors.map((monitor) => monitor.next()))
  t.equal(events.filter(({ value }) => value?.kind === 'link').length, MONITORS)

  for (const monitor of monitors.slice(1)) monitor.close()
  t.strictSame(counts(), {
    descriptors: before.descriptors + 3,
    threads: before.threads + 1,
  })
  // The one that is left still reads.
  const last = monitors[0] as Monitor<'link' | 'address'>
  ns.sync.link.del('br0')
  let gone = false
  for await (const event of last) {
    gone = event.kind === 'link' && event.change === 'del'
    if (gone) break
  }
  t.ok(gone)
  await settled(before)
  t.pass('the thread and its descriptors went with the last')
})

t.test('programs share the thread with monitors', async (t) => {
  const ns = room(t)
  await ns.link.dump()
  const before = counts()
  const monitor = ns.monitor(['link'])
  const programs = Array.from({ length: PROGRAMS }, () =>
    ns.spawn('sleep', ['1000'], { stdio: 'ignore' }),
  )
  t.strictSame(counts(), {
    descriptors: before.descriptors + 1 + PROGRAMS + 2,
    threads: before.threads + 1,
  })
  ns.sync.link.add({ kind: 'bridge', name: 'br0' })
  t.match((await monitor.next()).value, { kind: 'link' })
  for (const program of programs) program.kill('SIGTERM')
  const ends = await Promise.all(programs.map(({ exited }) => exited))
  t.ok(ends.every(({ signal }) => signal === 'SIGTERM'))
  monitor.close()
  await settled(before)
  t.pass('nothing is left')
})

t.test('a notification of more than 64 KiB is read whole', async (t) => {
  const ns = room(t)
  const plan = ns.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: 'big' })
  const NAMES = 495
  for (let i = 0; i < NAMES; i++) {
    plan.link.addAltName(bridge, String(i).padStart(4, '0') + 'x'.repeat(122))
  }
  const index = plan.runSync().of(bridge)
  const monitor = ns.monitor(['link'], { receiveBuffer: 4 << 20 })
  ns.sync.link.set(index, { mtu: 1400 })
  const { value } = await monitor.next()
  monitor.close()
  t.match(value, { kind: 'link', link: { name: 'big', mtu: 1400 } })
  t.equal(value?.kind === 'link' ? value.link.altNames?.length : 0, NAMES)
})

t.test('a call-back that throws, or closes another, stops nobody else', async (t) => {
  const done = child(`
    const said = []
    process.on('uncaughtException', (error) => said.push(error.message))
    const called = new Set()
    const monitors = []
    const all = new Promise((resolve) => {
      for (let i = 0; i < 5; i++) {
        monitors.push(a.openMonitor(h, ['link'], 8, 0, () => {
          called.add(i)
          // The last two close each other, and the first itself.
          if (i === 0) monitors[0].close()
          if (i > 2) monitors[7 - i].close()
          if (called.size === 4) setImmediate(resolve)
          throw new Error('from ' + i)
        }))
        monitors[i].hold(true)
      }
    })
    a.runSync([h], [{ op: 'link.new', ns: 0, flags: 0x600, args: { name: 'b0', info: { kind: 'bridge' } } }], false)
    await all
    // Whichever of the two came first has kept the other from it.
    console.log(called.size, called.has(3) !== called.has(4), said.length, monitors[0].take(1).length, monitors[1].take(1).length)
    for (const monitor of monitors) monitor.close()`)
  t.match(done, { status: 0, signal: null, stdout: '4 true 4 0 1' }, done.stderr)
})
