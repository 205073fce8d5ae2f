import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { child } from './children.js'
import { nativeHandle } from '../helpers/internals.js'

const file = new URL('plan-worker.mjs', import.meta.url)
// Without what the test runner has every thread load.
const PLAIN = { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } }
const path = JSON.stringify(fileURLToPath(file))

t.test('several workers at once, each with its own addon', async (t) => {
  using ns = NetNs.create()
  const workers = Array.from(
    { length: 6 },
    (_, number) =>
      new Worker(file, {
        ...PLAIN,
        workerData: { mode: 'count', number, pid: process.pid, fd: ns.fd },
      }),
  )
  const answers = await Promise.all(
    workers.map(async (worker) => (await once(worker, 'message'))[0] as object),
  )
  await Promise.all(workers.map((worker) => worker.terminate()))
  answers.forEach((answer, number) =>
    t.strictSame(answer, { number, links: 31, shared: true, own: 30 }),
  )
  const plan = ns.plan()
  const dump = plan.link.dump()
  t.equal(plan.runSync().of(dump).length, 1 + 6 * 5, 'the links that they made in ours')
})

t.test('a handle of another environment is none', async (t) => {
  using ns = NetNs.create()
  const data = { mode: 'foreign', handle: nativeHandle(ns) }
  const worker = new Worker(file, { ...PLAIN, workerData: data })
  const [answer] = await once(worker, 'message')
  await worker.terminate()
  t.match(answer, /^TypeError: namespaces\.0/)
})

const START = `
  import { Worker } from 'node:worker_threads'
  import { once } from 'node:events'
  const begin = (mode) => new Worker(${path}, { workerData: { mode }, execArgv: [] })
`

t.test('terminate while a plan runs', async (t) => {
  for (let i = 0; i < 3; i++) {
    const done = child(`${START}
      const workers = Array.from({ length: 4 }, () => begin('long'))
      await Promise.all(workers.map((w) => once(w, 'message')))
      const codes = await Promise.all(workers.map((w) => w.terminate()))
      console.log(codes.join())
      const links = a.runSync([h], [{ op: 'link.dump', ns: 0, args: {} }], false)
      console.log(links.results[0].length)`)
    t.match(done, { status: 0, signal: null, stdout: '1,1,1,1\n1' }, done.stderr)
  }
})

t.test('a worker that throws, or exits, while a plan runs', async (t) => {
  for (const mode of ['throw', 'exit']) {
    const done = child(`${START}
      const worker = begin('${mode}')
      worker.on('error', (e) => console.log(e.message))
      const [code] = await once(worker, 'exit').catch(() => [1])
      console.log('ended', code)`)
    t.match(done, { status: 0, signal: null }, done.stderr)
    t.match(done.stdout, mode === 'throw' ? /on purpose/ : /^ended 3$/)
  }
})

t.test('workers come and go', async (t) => {
  const done = child(`${START}
    for (let i = 0; i < 12; i++) {
      const worker = begin('short')
      const exit = once(worker, 'exit')
      await once(worker, 'message')
      if (i % 2) await worker.terminate()
      await exit
    }
    console.log('fine')`)
  t.match(done, { status: 0, signal: null, stdout: 'fine' }, done.stderr)
})
