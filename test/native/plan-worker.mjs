/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
// What the workers of workers.test.ts do; which part is said by workerData.mode.
import { parentPort, workerData } from 'node:worker_threads'
import { NetNs } from 'vnet-cni'
import { addon } from '../../dist/esm/binding.js'

const own = NetNs.create()

/** A plan that takes a while. */
function long() {
  const plan = own.plan()
  for (let i = 0; i < 30; i++) plan.link.addVeth({ name: `a${i}` }, { name: `b${i}` })
  for (let i = 0; i < 200; i++) plan.link.dump()
  return plan.run()
}

async function count({ number, pid, fd }) {
  const shared = NetNs.open(`/proc/${pid}/fd/${fd}`)
  const plan = own.plan()
  const mine = Array.from({ length: 30 }, (_, i) =>
    plan.link.add({ kind: 'bridge', name: `br${i}` }),
  )
  for (let i = 0; i < 5; i++)
    plan.in(shared).link.add({ kind: 'bridge', name: `w${number}x${i}` })
  const dump = plan.link.dump()
  const done = await plan.run()
  const links = done.of(dump).length
  const indexes = new Set(mine.map((ref) => done.of(ref)))
  parentPort.postMessage({
    number,
    links,
    shared: !shared.equals(own),
    own: indexes.size,
  })
}

const modes = {
  count,
  async long() {
    const running = long()
    parentPort.postMessage('running')
    await running
    await new Promise((resolve) => setTimeout(resolve, 60_000))
  },
  throw() {
    void long()
    setImmediate(() => {
      throw new Error('on purpose')
    })
  },
  exit() {
    void long()
    setImmediate(() => process.exit(3))
  },
  foreign({ handle }) {
    try {
      addon().runSync([handle], [], false)
    } catch (error) {
      parentPort.postMessage(String(error))
    }
  },
  async short() {
    const plan = own.plan()
    plan.link.add({ kind: 'bridge', name: 'br0' })
    await plan.run()
    parentPort.postMessage('done')
  },
}

await modes[workerData.mode](workerData)
