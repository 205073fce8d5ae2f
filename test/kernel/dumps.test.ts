/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
/**
 * Every object that can be dumped, while another thread changes what is dumped as fast as it can:
 * what stays is told once, or the dump says that it could not be read whole (EINTR).
 */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { NetlinkError, NetNs, type Plan, type StepRef } from 'vnet-cni'
import { act, pathOf } from './helper.js'

/** A table that is dumped: dump-cases.mjs has them. */
interface Case {
  readonly object: string
  readonly steady: number
  readonly prefix: string
  readonly namespaces?: number
  readonly mayRepeat?: boolean
  readonly fill: (plan: Plan, others: readonly NetNs[]) => void
  readonly dump: (plan: Plan) => StepRef<unknown[]>
  readonly names: (entries: unknown[]) => string[]
}

const here = (file: string) => new URL(file, import.meta.url)
const { cases } = (await import(here('dump-cases.mjs').href)) as {
  cases: Record<string, Case>
}
const DUMPS = 30

/** The names of all objects that the addon can ask the kernel for, out of its records. */
function objects(): string[] {
  const native = fileURLToPath(here('../../native'))
  const files = readdirSync(native, { recursive: true, encoding: 'utf8' })
  const sources = files.filter((f) => f.endsWith('.cc') && !f.startsWith('build'))
  const text = sources.map((f) => readFileSync(join(native, f), 'utf8')).join('\n')
  const records = [...text.matchAll(/^const Object k\w+ = \{(.*?)^\};/gms)]
  return records
    .filter(([, body]) => body?.includes('.get = '))
    .map(([, body]) => /\.name = "([^"]+)"/.exec(body ?? '')?.[1] ?? '')
}

t.test('every object has a case', (t) => {
  const known = objects()
  t.ok(known.length >= 16, `${known.length} objects`)
  const had = new Set(Object.values(cases).map(({ object }) => object))
  for (const name of known) t.ok(had.has(name), name)
  t.end()
})

/** What there is of the steady entries: how many were told, and how many different ones. */
function look(ns: NetNs, { dump, names, prefix }: Case): [number, number] {
  const plan = ns.plan()
  const ref = dump(plan)
  const seen = names(plan.runSync().of(ref)).filter((name) => name.startsWith(prefix))
  return [seen.length, new Set(seen).size]
}

async function play(t: Test, name: string, one: Case): Promise<void> {
  using ns = NetNs.create()
  const others = Array.from({ length: one.namespaces ?? 0 }, () => NetNs.create())
  t.teardown(() => others.forEach((other) => other.close()))
  act(ns, (p) => one.fill(p, others))
  const paths = others.map(pathOf)
  const worker = new Worker(here('dump-churn.mjs'), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    workerData: { path: pathOf(ns), name, others: paths },
  })
  t.teardown(() => worker.terminate())
  t.equal((await once(worker, 'message'))[0], 'turned')
  let restless = 0
  for (let i = 0; i < DUMPS; i++) {
    try {
      const [told, different] = look(ns, one)
      if (different !== one.steady || (told !== different && !one.mayRepeat)) {
        t.fail(`dump ${i}: ${told} told, ${different} different, ${one.steady} there`)
      }
    } catch (error) {
      // Told rather than answered with half a table.
      if (!(error instanceof NetlinkError) || error.code !== 'EINTR') throw error
      restless++
    }
  }
  worker.postMessage('stop')
  const [changes] = (await once(worker, 'message')) as [number]
  t.comment(`${changes} changes, ${DUMPS} dumps, ${restless} given up`)
  t.ok(changes >= 2, 'changes were made')
  t.strictSame(look(ns, one), [one.steady, one.steady], 'whole when all is still')
}

for (const [name, one] of Object.entries(cases)) t.test(name, (t) => play(t, name, one))
