/**
 * Calls of several threads on one handle: they take turns, step by step.
 */
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { act } from './helper.js'

const BRIDGES = 200
const READS = 10

const count = (ns: NetNs) => ns.sync.link.dump().length - 1

/** Makes the bridges and runs a plan that deletes them, for each of which the kernel waits. */
function deletion(ns: NetNs, signal: AbortSignal): Promise<string> {
  const plan = ns.plan()
  act(ns, (p) => {
    for (let i = 0; i < BRIDGES; i++) p.link.add({ kind: 'bridge', name: `b${i}` })
  })
  for (let i = 0; i < BRIDGES; i++) plan.link.del(`b${i}`)
  return plan.run({ signal }).then(
    () => 'done',
    (error: Error) => error.name,
  )
}

t.test('a long plan and synchronous reads share a handle', async (t) => {
  using ns = NetNs.create()
  const controller = new AbortController()
  const ended = deletion(ns, controller.signal)
  let left = BRIDGES
  while (left === BRIDGES) left = count(ns)
  // Deletions between two reads. None were done when the plan's thread had not yet asked for its
  // next step: that read waited for nothing.
  const waits: number[] = []
  while (waits.length < READS && left > 0) {
    const now = count(ns)
    if (now < left) waits.push(left - now)
    left = now
  }
  controller.abort()
  t.equal(await ended, 'AbortError', `the plan had not ended: ${waits.join()}`)
  // More when the reader's thread was off the processor before it asked, as on a busy machine it
  // mostly is; without turns all reads would wait for many steps.
  const luckier = waits.toSorted((a, b) => a - b)[READS >> 2]
  t.equal(
    luckier,
    1,
    `a read waits for the step that runs, no further one: ${waits.join()}`,
  )
})
