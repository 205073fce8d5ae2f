// Whether memory stays flat: many operations of every kind, with the resident set every tenth.
//   node --expose-gc --max-semi-space-size=1 bench/memory.mjs [operations]
// 100,000 operations when absent; needs root. Without the second switch V8 lets its young
// generation grow by 16 MiB at some point, which is no leak.
// Ends with status 1 when the second half has grown by more than 8 MiB.
import { NetNs, Transaction } from '../dist/esm/index.js'

const operations = Number(process.argv[2] ?? 100_000)
const ns = NetNs.create()
const table = { family: 'inet', name: 'memory' }
const mib = () => process.memoryUsage.rss() / 2 ** 20

const setUp = ns.plan()
const made = setUp.link.add({ kind: 'bridge', name: 'br0', up: true })
setUp.address.add({ link: made, address: '10.0.0.1/16' })
await setUp.run()
const monitor = ns.monitor(['link', 'route', 'nft'], { limit: 100 })

// Ten operations: reads, writes, a refusal, a transaction, a monitor.
async function round(i) {
  const plan = ns.plan()
  const bridge = plan.link.get('br0')
  plan.link.set(bridge, { mtu: 1400 + (i % 2) })
  plan.route.replace({ to: '10.9.0.0/24', via: '10.0.0.2', priority: 9 })
  plan.route.delIfExists({ to: '10.9.0.0/24', via: '10.0.0.2', priority: 9 })
  plan.link.dump()
  plan.route.dump({ family: 'ipv4' })
  plan.nftables.commit(new Transaction().addTable(table))
  plan.nftables.commit(new Transaction().deleteTable(table))
  await (i % 2 ? plan.run() : plan.runSync())
  const refused = ns.plan()
  refused.link.del(9999)
  await refused.run().catch(() => undefined)
  if (i % 10 === 0) ns.monitor(['address']).close()
  await monitor.next()
}

let half = 0
for (let done = 0; done < operations; done += 10) {
  await round(done / 10)
  const tenth = Math.max(10, Math.floor(operations / 100) * 10)
  if ((done + 10) % tenth !== 0) continue
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const inside = ((heapUsed + external) / 2 ** 20).toFixed(1)
  console.log(
    `${done + 10} operations: ${mib().toFixed(1)} MiB, of it JavaScript ${inside} MiB`,
  )
  if (!half && done + 10 >= operations / 2) half = mib()
}
monitor.close()
const grown = mib() - half
console.log(`second half: ${grown.toFixed(1)} MiB`)
process.exitCode = grown > 8 ? 1 : 0
