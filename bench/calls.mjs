// What a call costs: run() (a promise and a hop to a pool thread) and runSync() of plans of 1, 10
// and 100 steps, each step one request that reads the loopback link. Beside them the barest hop that
// there is to a pool thread: fstat(2) by libuv, with its synchronous form taken off. Microseconds,
// medians of many rounds by turns. Needs root.
//   node bench/calls.mjs [--rounds N] [--json]
import { fstat, fstatSync, openSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { NetNs } from '../dist/esm/index.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2000' },
    json: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const SIZES = [1, 10, 100]

const host = NetNs.create()
// Made once and run again and again: the calls are measured, not the making of plans.
const plans = SIZES.map((steps) => {
  const plan = host.plan()
  for (let i = 0; i < steps; i++) plan.link.get('lo')
  return plan
})

const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1]

async function timed(work) {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e3
}

// Awaiting what is no promise costs a turn that runSync has no part in.
function timedSync(work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e3
}

const fd = openSync('/dev/null', 'r')
const bareHop = () =>
  new Promise((resolve, reject) => {
    fstat(fd, (error, stats) => (error ? reject(error) : resolve(stats)))
  })

async function measure() {
  const { signal } = new AbortController()
  const bare = { hop: [], sync: [] }
  const seen = SIZES.map(() => ({ run: [], runWithSignal: [], runSync: [] }))
  for (let i = 0; i < rounds; i++) {
    bare.hop.push(await timed(bareHop))
    bare.sync.push(timedSync(() => fstatSync(fd)))
    for (const [k, plan] of plans.entries()) {
      seen[k].run.push(await timed(() => plan.run()))
      seen[k].runWithSignal.push(await timed(() => plan.run({ signal })))
      seen[k].runSync.push(timedSync(() => plan.runSync()))
    }
  }
  const rows = seen.map(({ run, runWithSignal, runSync }, k) => ({
    steps: SIZES[k],
    run: median(run),
    runWithSignal: median(runWithSignal),
    runSync: median(runSync),
  }))
  return { rows, bareHop: median(bare.hop) - median(bare.sync) }
}

try {
  const { rows, bareHop: bare } = await measure()
  const hop = rows[0].run - rows[0].runSync
  const perStep = (rows.at(-1).runSync - rows[0].runSync) / (SIZES.at(-1) - SIZES[0])
  const result = { rounds, microseconds: { calls: rows, hop, bareHop: bare, perStep } }
  if (values.json) {
    console.log(JSON.stringify(result))
  } else {
    console.log(`microseconds a call, medians of ${rounds} rounds:`)
    console.log('  steps       run()  with signal   runSync()')
    for (const { steps, run, runWithSignal, runSync } of rows) {
      const cells = [run, runWithSignal, runSync].map((us) => us.toFixed(1).padStart(12))
      console.log(`  ${String(steps).padEnd(5)}${cells.join('')}`)
    }
    const times = (hop / bare).toFixed(2)
    console.log(
      `  the hop to a pool thread and back: ${hop.toFixed(1)} µs, ${times} times libuv's barest (${bare.toFixed(1)} µs)`,
    )
    console.log(`  each further step: ${perStep.toFixed(1)} µs`)
  }
} finally {
  host.close()
}
