/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
// What a worker does for ever, until it is terminated: one kind of calls into the addon, which is
// said by workerData. All namespaces are its own.
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { addon } from '../../../dist/esm/binding.js'
import { makeKinds } from './kinds.mjs'

const a = addon()
const act = makeKinds(a, a.createNetns(), workerData.lock)[workerData.kind]
parentPort.postMessage('running')
// Bounded, should nobody ever terminate it.
for (let i = 0; i < 1e6; i++) {
  await act()
  if (i % workerData.pause === 0) await turn()
}
