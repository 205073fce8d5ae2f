/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
// What ThreadSanitizer watches (scripts/test-tsan.mjs): all threads that the addon makes or meets.
// Workers run plans on one handle and on their own, watch, read streams, start programs, abort; half
// of them are terminated at some moment of it.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { NetNs } from '../../../dist/esm/index.js'

const WORKERS = 4
const [ROUNDS = 5] = process.argv.slice(2).map(Number)

async function work(shared, own) {
  const monitor = own.monitor(['link', 'address'], { limit: 50 })
  const seen = monitor.next()
  await Promise.all(
    [shared, own].flatMap((ns) => [
      ns.link.dump(),
      ns.route.dump(),
      ns.nftables.list(),
      ns.sysctl.get('net/ipv4/ip_forward'),
    ]),
  )
  own.sync.link.add({ kind: 'bridge', name: 'br0' })
  await seen
  for await (const link of shared.link.stream()) if (link.index > 20) break
  const abort = new AbortController()
  const given = Promise.all(
    Array.from({ length: 8 }, () => shared.link.dump({ signal: abort.signal })),
  ).catch((error) => error.name)
  abort.abort()
  await given
  await Promise.all([own.exec('true', []), own.exec('true', [])])
  monitor.close()
}

async function main() {
  const shared = NetNs.create()
  for (let i = 0; i < 40; i++) shared.sync.link.add({ kind: 'bridge', name: `b${i}` })
  for (let round = 0; round < ROUNDS; round++) {
    const workers = Array.from(
      { length: WORKERS },
      () =>
        new Worker(new URL(import.meta.url), {
          workerData: { path: `/proc/self/fd/${shared.fd}` },
        }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const ended = workers.map((worker) => once(worker, 'exit'))
    await Promise.all([
      work(shared, NetNs.create()),
      ...workers.map((worker, i) => {
        const done = once(worker, 'message')
        worker.postMessage('begin')
        return i % 2 ? done : shared.link.dump()
      }),
    ])
    await Promise.all(workers.map((worker) => worker.terminate()))
    await Promise.all(ended)
  }
  console.log(`${ROUNDS} rounds of ${WORKERS} workers`)
}

if (isMainThread) {
  await main()
} else {
  const shared = NetNs.open(workerData.path)
  parentPort.postMessage('ready')
  await once(parentPort, 'message')
  await work(shared, NetNs.create())
  parentPort.postMessage('done')
}
