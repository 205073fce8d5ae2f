/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
// Adds and deletes links, addresses, routes and nft elements in the namespace behind a path, until
// told to stop. Says "turned" after its first round.
import { parentPort, workerData } from 'node:worker_threads'
import { NetNs, Transaction } from 'vnet-cni'

const ns = NetNs.open(workerData.path)
const stop = new AbortController()
parentPort.on('message', () => stop.abort())

async function round(i) {
  const plan = ns.plan()
  const at = i % workerData.width
  plan.link.delIfExists(`churn${at}`)
  const link = plan.link.add({ kind: 'bridge', name: `churn${at}`, up: true })
  plan.address.add({ link, address: `10.200.${at}.1/24` })
  plan.route.add({ to: `10.201.${at}.0/24`, via: `10.200.${at}.2`, link })
  const map = workerData.map
  const element = { key: [`10.202.0.${at}`], data: ['02:00:00:00:00:01'] }
  plan.nftables.commit(new Transaction().addElements(map, [element]))
  plan.nftables.commit(new Transaction().deleteElements(map, [element.key]))
  await plan.run()
}

let rounds = 0
while (!stop.signal.aborted) {
  await round(rounds++)
  if (rounds === 1) parentPort.postMessage('turned')
  // Lets the message that ends it come in.
  await new Promise(setImmediate)
}
ns.close()
parentPort.postMessage(rounds)
