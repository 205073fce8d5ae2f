// Makes veth pairs in one plan and deletes them by group, beside `ip -batch` with the same requests
// and `ip link del group`; each round of each in a fresh namespace, by turns. Needs root.
//   node bench/links.mjs [--pairs N] [--rounds N] [--json]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NetNs } from '../dist/esm/index.js'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
})
const pairs = Number(values.pairs)
const rounds = Number(values.rounds)
const GROUP = 7

const folder = mkdtempSync(join(tmpdir(), 'bench-links-'))
const file = join(folder, 'batch')
const line = (_, i) => `link add a${i} group ${GROUP} type veth peer name b${i}`
writeFileSync(file, Array.from({ length: pairs }, line).join('\n') + '\n')

function plan(host) {
  const all = host.plan()
  for (let i = 0; i < pairs; i++) {
    all.link.addVeth({ name: `a${i}`, group: GROUP }, { name: `b${i}` })
  }
  return all
}

// Each way makes, then deletes. Making the plan is part of the time.
const ways = {
  run: [
    async (host) => void (await plan(host).run()),
    (host) => host.link.delGroup(GROUP),
  ],
  runSync: [
    (host) => void plan(host).runSync(),
    (host) => host.sync.link.delGroup(GROUP),
  ],
  ip: [
    (host) => host.exec('ip', ['-batch', file]),
    (host) => host.exec('ip', ['link', 'del', 'group', String(GROUP)]),
  ],
  // What it costs to start any program: taken off ip's times.
  start: [(host) => host.exec('true'), (host) => host.exec('true')],
}

async function timed(work) {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

async function round(name) {
  const host = NetNs.create()
  try {
    const [make, remove] = ways[name]
    const made = await timed(() => make(host))
    const links = host.sync.link.dump().length
    const removed = await timed(() => remove(host))
    const left = host.sync.link.dump().length
    if (left !== 1 || (name !== 'start' && links !== 1 + 2 * pairs)) {
      throw new Error(`${name}: ${links} links were made and ${left} left`)
    }
    return { made, removed }
  } finally {
    host.close()
  }
}

const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1]

async function measure() {
  const names = Object.keys(ways)
  const seen = Object.fromEntries(names.map((name) => [name, []]))
  for (const name of names) await round(name) // warm up
  for (let i = 0; i < rounds; i++) {
    for (const name of names) seen[name].push(await round(name))
  }
  const medians = {}
  for (const name of names) {
    const made = median(seen[name].map((one) => one.made))
    const removed = median(seen[name].map((one) => one.removed))
    const both = median(seen[name].map((one) => one.made + one.removed))
    medians[name] = { made, removed, both }
  }
  for (const part of ['made', 'removed', 'both']) {
    medians.ip[part] -= medians.start[part]
  }
  return medians
}

try {
  const { run, runSync, ip } = await measure()
  const ratio = (ours) =>
    Object.fromEntries(Object.keys(ours).map((part) => [part, ours[part] / ip[part]]))
  const result = {
    pairs,
    rounds,
    milliseconds: { run, runSync, ip },
    ratio: { run: ratio(run), runSync: ratio(runSync) },
  }
  if (values.json) {
    console.log(JSON.stringify(result))
  } else {
    console.log(`${pairs} veth pairs, medians of ${rounds} rounds:`)
    for (const [name, parts] of Object.entries(result.milliseconds)) {
      const cells = Object.entries(parts).map(([part, ms]) => {
        const times = result.ratio[name]?.[part]
        const beside = times === undefined ? '' : ` (${times.toFixed(2)} x ip)`
        return `${part} ${ms.toFixed(1)} ms${beside}`
      })
      console.log(`  ${name.padEnd(8)} ${cells.join(', ')}`)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
