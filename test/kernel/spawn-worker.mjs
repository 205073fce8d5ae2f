/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
// What a worker of spawn.test.ts does: runs a program in a namespace of its own, or leaves one.
import { parentPort, workerData } from 'node:worker_threads'
import { NetNs } from 'vnet-cni'

const ns = NetNs.create()
ns.sync.link.add({ kind: 'bridge', name: workerData.name })
if (workerData.leave) {
  const child = ns.spawn('sleep', ['1000'], { stdio: 'ignore' })
  parentPort.postMessage(child.pid)
} else {
  const { stdout } = await ns.exec('cat', ['/proc/net/dev'])
  parentPort.postMessage(stdout)
}
