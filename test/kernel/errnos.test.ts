import { constants } from 'node:os'
import t, { type Test } from 'tap'
import { NetlinkError, type Plan } from 'vnet-cni'
import { documentedErrnos } from '../helpers/documented-errnos.js'
import { diffSnapshots, takeSnapshot } from '../helpers/snapshot.js'
import { run } from '../helpers/process.js'
import { callCases } from './errno-table/calls.js'
import { ipCases } from './errno-table/ip.js'
import { linkCases } from './errno-table/links.js'
import { nextHopCases } from './errno-table/next-hops.js'
import { stationCases } from './errno-table/stations.js'
import { closeWorld, makeWorld, type Case } from './errno-table/world.js'
import { pathOf } from './helper.js'

const world = makeWorld()
t.teardown(() => closeWorld(world))

const snapshot = () =>
  takeSnapshot((command, args) =>
    run('nsenter', [`--net=${pathOf(world.host)}`, command, ...args]),
  )

/** The error that a plan ends with. */
function outcome(plan: Plan): unknown {
  try {
    plan.runSync()
    return undefined
  } catch (error) {
    return error
  }
}

const cases: readonly Case[] = [
  ...linkCases,
  ...ipCases,
  ...stationCases,
  ...nextHopCases,
]

function provoke(t: Test, { verb, code, extAck = '', attribute = '', make }: Case): void {
  const plan = world.host.plan()
  // Something to take back.
  plan.link.add({ kind: 'bridge', name: 'first' })
  make(plan, world)
  const error = outcome(plan)
  if (!(error instanceof NetlinkError)) throw error ?? new Error(`${verb}: no ${code}`)
  const step = plan.steps.length - 1
  const { op } = plan.steps[step] ?? {}
  t.match(error, { code, errno: constants.errno[code], step, op, extAck, attribute })
  t.equal(error.extAck === '', extAck === '', `the kernel's words: ${error.extAck}`)
  t.strictSame(error.undoFailures, [])
}

t.test('every errno of every verb, and nothing stays of the plan', async (t) => {
  const before = await snapshot()
  for (const verb of new Set(cases.map((one) => one.verb))) {
    await t.test(verb, async (t) => {
      for (const one of cases.filter((c) => c.verb === verb)) provoke(t, one)
      t.strictSame(diffSnapshots(before, await snapshot()), [])
    })
  }
})

t.test('namespaces, sysctls, monitors, and a process without rights', async (t) => {
  const before = await snapshot()
  for (const { verb, code, name, syscall, call } of callCases) {
    const error = call(world)
    const expected = { name, code, ...(syscall && { syscall }) }
    t.match(error, expected, `${verb} ${code}`)
  }
  t.strictSame(diffSnapshots(before, await snapshot()), [])
})

t.test('the documentation and this table tell the same', async (t) => {
  const here = [...cases, ...callCases].map(({ verb, code }) => `${verb} ${code}`)
  const provoked = [...new Set(here)].sort()
  // Those of the ruleset are test/kernel/nft-errnos.test.ts's.
  const ruleset = documentedErrnos('netlink/ruleset.ts')
  const ours = documentedErrnos('netlink').filter((one) => !ruleset.includes(one))
  t.strictSame(provoked, ours)
})
