// oxlint-disable unicorn/require-post-message-target-origin -- worker_threads, not windows
// A child process that ends at one stage of a monitor's life; `stage` is the first argument.
import { createRequire } from 'node:module'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { setTimeout as pause } from 'node:timers/promises'

const require = createRequire(import.meta.url)
const { NetNs } = require('../../../dist/cjs/index.js')

const stage = isMainThread ? process.argv[2] : workerData
const ns = NetNs.create()

function churn(times) {
  const plan = ns.plan()
  plan.link.add({ kind: 'bridge', name: 'br0' })
  const bridge = plan.link.get('br0')
  for (let i = 0; i < times; i++) plan.link.set(bridge, { mtu: 1400 + (i % 2) })
  return plan.run()
}

async function inWorker(inner, end) {
  const worker = new Worker(new URL(import.meta.url), { workerData: inner })
  await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  await end(worker)
}

const stages = {
  // Nobody iterates: the monitor does not keep the process alive.
  opened: () => void ns.monitor(['link', 'nft']),
  'exit while waiting': async () => {
    void ns.monitor(['link']).next()
    await pause(20)
    process.exit(0)
  },
  'exit with events waiting': async () => {
    const monitor = ns.monitor(['link'])
    await churn(300)
    await monitor.next()
    process.exit(0)
  },
  'exit while events come': async () => {
    const monitor = ns.monitor(['link'], { limit: 5 })
    void churn(3000)
    await monitor.next()
    process.exit(0)
  },
  'uncaught error': async () => {
    void ns.monitor(['link']).next()
    process.on('uncaughtException', () => process.exit(0))
    setImmediate(() => {
      throw new Error('on purpose')
    })
  },
  forgotten: async () => {
    for (let i = 0; i < 50; i++) ns.monitor(['link'])
    for (let i = 0; i < 5; i++) {
      globalThis.gc?.()
      await pause(5)
    }
    const { readdirSync } = await import('node:fs')
    const threads = readdirSync('/proc/self/task').length
    if (threads > 30) throw new Error(`${threads} threads are left`)
  },
  'worker ends': () => inWorker('talk', (worker) => worker.terminate()),
  'worker exits by itself': () =>
    inWorker('leave', (worker) => new Promise((resolve) => worker.once('exit', resolve))),
  'process exits with a worker': () => inWorker('talk', () => process.exit(0)),
  'many workers': async () => {
    for (let i = 0; i < 5; i++) await inWorker('talk', (worker) => worker.terminate())
  },
  talk: async () => {
    const { parentPort } = await import('node:worker_threads')
    const monitor = ns.monitor(['link', 'address', 'nft'])
    void churn(2000)
    for await (const event of monitor) parentPort.postMessage(event.kind)
  },
  leave: async () => {
    const { parentPort } = await import('node:worker_threads')
    const monitor = ns.monitor(['link'])
    await churn(100)
    parentPort.postMessage('bye')
    void monitor.next()
    process.exit(0)
  },
}

await stages[stage]()
