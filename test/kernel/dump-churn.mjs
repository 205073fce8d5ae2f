/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
// Makes the changes of a case in the namespace behind a path, until told to stop; says how many.
import { parentPort, workerData } from 'node:worker_threads'
import { NetNs } from 'vnet-cni'
import { cases } from './dump-cases.mjs'

const ns = NetNs.open(workerData.path)
const others = workerData.others.map((path) => NetNs.open(path))
const one = cases[workerData.name]
const stop = new AbortController()
parentPort.once('message', () => stop.abort())

let changes = 0
while (!stop.signal.aborted) {
  for (const there of [true, false]) {
    const plan = ns.plan()
    one.change(plan, there, others)
    try {
      await plan.run()
    } catch (error) {
      if (!one.once) throw error
    }
    changes++
  }
  if (changes === 2) parentPort.postMessage('turned')
}
for (const other of [ns, ...others]) other.close()
parentPort.postMessage(changes)
