/** A monitor whose process stood still while more happened than the kernel keeps for it. */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { start } from './helper.js'

const WORKER = fileURLToPath(new URL('overrun-worker.mjs', import.meta.url))

/** Stops a process, all of its threads. */
async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  const state = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]
  while (state() !== 'T') await turn()
}

t.test('it tells of the loss when nothing is dropped any more', async (t) => {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  const bridge = ns.sync.link.add({ kind: 'bridge', name: 'br0' })
  const child = start(ns, process.execPath, [WORKER])
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value
  t.equal(await next(), 'ready')
  // nsenter has become node.
  await stop(child.pid ?? 0)
  const plan = ns.plan()
  for (let i = 0; i < 3000; i++) plan.link.set(bridge, { mtu: 1000 + (i % 2) })
  plan.link.set(bridge, { mtu: 1234 })
  plan.runSync()
  process.kill(child.pid ?? 0, 'SIGCONT')
  const before: string[] = []
  let line = await next()
  for (; line?.startsWith('br0'); line = await next()) before.push(line)
  t.ok(before.length > 10, `${before.length} events were kept`)
  t.ok(before.length < 3000, 'and not all')
  t.notOk(before.includes('br0 1234'), 'what was dropped is the newest')
  t.equal(line, 'overrun 1234', 'who reads anew when he is told sees what is there now')
  ns.sync.link.add({ kind: 'bridge', name: 'br1', mtu: 1300 })
  const after: string[] = []
  for (line = await next(); line; line = await next()) after.push(line)
  t.ok(after.length > 0 && after.every((one) => one.startsWith('br1')), after.join())
})
