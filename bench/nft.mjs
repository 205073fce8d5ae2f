// Commits one transaction of many map elements, beside `nft -f` of the same ruleset; each round
// of each in a fresh namespace, by turns. Needs root.
//   node bench/nft.mjs [--elements N] [--rounds N] [--json]
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { NetNs, Transaction } from '../dist/esm/index.js'

const { values } = parseArgs({
  options: {
    elements: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '11' },
    json: { type: 'boolean', default: false },
  },
})
const count = Number(values.elements)
const rounds = Number(values.rounds)

const table = { family: 'ip', name: 'bench' }
const map = {
  family: 'ip',
  table: 'bench',
  name: 'ports',
  key: ['ipv4_addr', 'inet_proto', 'inet_service'],
  data: ['ipv4_addr', 'inet_service'],
}
const elements = Array.from({ length: count }, (_, i) => ({
  key: [`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, 6, 1 + (i % 65535)],
  data: [`192.168.${(i >> 8) & 255}.${i & 255}`, 8080],
}))

function ruleset() {
  const rows = elements.map(
    ({ key, data }) => `${key[0]} . tcp . ${key[2]} : ${data[0]} . ${data[1]}`,
  )
  const type = 'ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service'
  return `table ip bench {
  map ports {
    type ${type}
    elements = { ${rows.join(',\n')} }
  }
}
`
}

const transaction = () =>
  new Transaction().addTable(table).addSet(map).addElements(map, elements)

const folder = mkdtempSync(join(tmpdir(), 'bench-nft-'))
const file = join(folder, 'ruleset.nft')
writeFileSync(file, ruleset())

function inside(host, ...command) {
  const path = `/proc/${process.pid}/fd/${host.fd}`
  return execFileSync('nsenter', [`--net=${path}`, ...command], {
    maxBuffer: 1 << 28,
  }).toString()
}

const ways = {
  // Making the transaction from plain elements is part of the time.
  async run(host) {
    await host.nftables.commit(transaction())
  },
  runSync(host) {
    host.sync.nftables.commit(transaction())
  },
  // The program's time is what its user waits for; nsenter's own start is measured and taken off.
  nft(host) {
    inside(host, 'nft', '-f', file)
  },
  nsenter(host) {
    inside(host, 'true')
  },
}

async function time(way) {
  const host = NetNs.create()
  try {
    const start = process.hrtime.bigint()
    await way(host)
    return Number(process.hrtime.bigint() - start) / 1e6
  } finally {
    host.close()
  }
}

async function check() {
  const ours = NetNs.create()
  const theirs = NetNs.create()
  await ours.nftables.commit(transaction())
  inside(theirs, 'nft', '-f', file)
  const [a, b] = [ours, theirs].map((host) =>
    inside(host, 'nft', '-j', 'list', 'ruleset'),
  )
  const same = sorted(a) === sorted(b)
  const { sets } = await ours.nftables.list()
  if (!same || sets[0]?.elements.length !== count) {
    throw new Error('the two rulesets are not the same')
  }
  ours.close()
  theirs.close()
}

// The order of a hash table's elements is by chance.
function sorted(json) {
  const { nftables } = JSON.parse(json)
  for (const { map: m } of nftables)
    m?.elem?.sort((a, b) => (String(a) < String(b) ? -1 : 1))
  return JSON.stringify(
    nftables.slice(1).map((entry) => {
      if (!entry.map) return entry
      return entry.map.elem.map((e) => JSON.stringify(e)).sort()
    }),
  )
}

const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1]

try {
  await check()
  const times = { run: [], runSync: [], nft: [], nsenter: [] }
  for (const way of Object.values(ways)) await time(way) // warm up
  for (let i = 0; i < rounds; i++) {
    for (const [name, way] of Object.entries(ways)) times[name].push(await time(way))
  }
  const medians = Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, median(all)]),
  )
  const nft = medians.nft - medians.nsenter
  const result = {
    elements: count,
    rounds,
    milliseconds: { run: medians.run, runSync: medians.runSync, nft },
    ratio: { run: medians.run / nft, runSync: medians.runSync / nft },
  }
  if (values.json) {
    console.log(JSON.stringify(result))
  } else {
    console.log(`${count} map elements in one transaction, median of ${rounds} rounds:`)
    for (const [name, ms] of Object.entries(result.milliseconds)) {
      const ratio = result.ratio[name]
        ? `  ${result.ratio[name].toFixed(2)} x nft -f`
        : ''
      console.log(`  ${name.padEnd(8)} ${ms.toFixed(1).padStart(8)} ms${ratio}`)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
