import { join } from 'node:path'
import t from 'tap'
import { child, startChild } from './children.js'
import { once } from 'node:events'

const LONG = `
  const steps = Array.from({ length: 300 }, (_, i) => ({ op: 'link.new', ns: 0, flags: 0x600,
    args: { name: 'a' + i, info: { kind: 'veth', data: { peer: { name: 'b' + i } } } } }))
`

const STAGES: [string, string][] = [
  ['right after loading', ''],
  ['by process.exit after loading', 'process.exit(0)'],
  [
    'with open handles',
    'globalThis.keep = [NetNs.create(), NetNs.current(), NetNs.create()]',
  ],
  [
    'with handles that are collected',
    'for (let i = 0; i < 2000; i++) a.openNetns("/proc/self/ns/net")',
  ],
  [
    'in the middle of an asynchronous run',
    `${LONG} a.run([h], steps, false); process.exit(0)`,
  ],
  [
    'a little later',
    `${LONG} a.run([h], steps, false); setImmediate(() => process.exit(0))`,
  ],
  [
    'later still',
    `${LONG} a.run([h], steps, false); setTimeout(() => process.exit(0), 15)`,
  ],
  ['when the run is done', `${LONG} await a.run([h], steps, false); process.exit(0)`],
  ['by running out', `${LONG} void a.run([h], steps, false)`],
  ['handle closed during a run', `${LONG} void a.run([h], steps, false); h.close()`],
  [
    'twenty runs at once',
    `${LONG} for (let i = 0; i < 20; i++) void a.run([a.createNetns()], steps.slice(0, 40), false); setTimeout(() => process.exit(0), 5)`,
  ],
  [
    'in an exit handler',
    `process.on('exit', () => a.runSync([h], [{ op: 'link.dump', ns: 0, args: {} }], false))`,
  ],
  [
    'starting a run in an exit handler',
    `${LONG} process.on('exit', () => { void a.run([h], steps, false) })`,
  ],
]

for (const [stage, code] of STAGES) {
  t.test(`exit ${stage}`, async (t) => {
    t.match(child(code), { status: 0, signal: null, stderr: '' })
  })
}

t.test('exit holding a lock: it is free afterwards', async (t) => {
  const path = JSON.stringify(join(t.testdir(), 'a.lock'))
  const hold = `globalThis.lock = a.lockFile(${path}, 0, 'x'); console.log('errno' in lock)`
  for (const way of [
    '',
    '; process.exit(0)',
    '; void a.run([h], [], false); process.exit(0)',
  ]) {
    t.match(child(hold + way), { status: 0, signal: null, stdout: 'false' })
  }
})

t.test('an uncaught error is what it is', async (t) => {
  const done = child(
    `${LONG} void a.run([h], steps, false); throw new Error('on purpose')`,
  )
  t.match(done, { status: 1, signal: null })
  t.match(done.stderr, /Error: on purpose/)
})

t.test('SIGTERM and SIGKILL in the middle of a run', async (t) => {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const { running, line } = startChild(`${LONG}
      const endless = async () => { for (;;) await a.run([a.createNetns()], steps, false) }
      void endless()
      console.log('running')`)
    t.equal(await line(), 'running')
    running.kill(signal)
    t.strictSame(await once(running, 'exit'), [null, signal])
  }
})

t.test('a promise settles once, with what runSync answers', async (t) => {
  const done = child(`
    const steps = [{ op: 'link.get', ns: 0, args: { name: 'none' } }]
    const one = a.runSync([h], steps, false)
    const two = await a.run([h], steps, false)
    console.log(JSON.stringify(one) === JSON.stringify(two), one.failure.errno)`)
  t.match(done, { status: 0, signal: null, stdout: 'true 19' })
})
