// Times reading 10,000 routes and 2,000 links: this library, `ip -j` with its JSON parsed, and
// pyroute2 where Debian's python3-pyroute2 is installed. All three look into one namespace that
// is made for this run, the first two by turns, so that what else the machine does meets both.
// Prints medians of the wall's time, the processor's time a round (of ip: its process and what
// reads its output), and ratios; run `npm run build` first, as root.
//
//   node bench/dump.mjs [routes] [links] [rounds]
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NetNs } from '../dist/esm/index.js'

const [ROUTES = 10_000, LINKS = 2_000, ROUNDS = 25] = process.argv.slice(2).map(Number)
const ns = NetNs.create()
const inside = `--net=/proc/${process.pid}/fd/${ns.fd}`
const batch = join(tmpdir(), `dump-bench-${process.pid}.txt`)

/** Runs `ip -batch` inside the namespace. */
function ipBatch(lines) {
  writeFileSync(batch, lines.join('\n') + '\n')
  execFileSync('nsenter', [inside, 'ip', '-batch', batch])
  rmSync(batch)
}

function setUp() {
  ns.sync.link.set('lo', { up: true })
  ns.sync.link.addVeth({ name: 'gw', up: true }, { name: 'gwpeer', up: true })
  ns.sync.address.add({ link: 'gw', address: '10.255.0.1/24' })
  ipBatch(
    Array.from(
      { length: ROUTES },
      (_, i) =>
        `route add 10.${(i >> 8) & 127}.${i & 255}.0/24 via 10.255.0.${2 + (i % 200)}`,
    ),
  )
  // An even number: a veth pair is two links. The pair "gw" and lo make three of them.
  ipBatch(
    Array.from(
      { length: Math.floor((LINKS - 3) / 2) },
      (_, i) => `link add e${i} group 9 type veth peer name p${i}`,
    ),
  )
}

const PYTHON = `
import os, sys, time
from pyroute2 import IPRoute
what, rounds = sys.argv[1], int(sys.argv[2])
with IPRoute() as ipr:
    for _ in range(rounds):
        start = time.perf_counter()
        n = len(list(ipr.get_routes(family=2) if what == 'routes' else ipr.get_links()))
        print(n, (time.perf_counter() - start) * 1000)
`

/** Milliseconds of each round, timed by pyroute2's own process: its start does not count. */
function pyroute2(what) {
  const args = [
    inside,
    '/usr/bin/python3',
    '-c',
    PYTHON,
    what,
    String(Math.min(ROUNDS, 5)),
  ]
  const done = spawnSync('nsenter', args, { encoding: 'utf8' })
  if (done.status !== 0) return undefined
  const lines = done.stdout.trim().split('\n')
  return lines.map((line) => Number(line.split(' ')[1]))
}

function ipJson(...args) {
  const all = ['ip', '-j', ...args]
  const text = execFileSync('nsenter', [inside, ...all], { maxBuffer: 1 << 28 })
  return JSON.parse(text.toString()).length
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

// Milliseconds of the processor: of this process, and of children that have ended (/proc/self/stat,
// fields 16 and 17, in hundredths of a second).
function processorTime() {
  const { user, system } = process.cpuUsage()
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')
  return (user + system) / 1000 + (Number(fields[13]) + Number(fields[14])) * 10
}

/** Each work by turns: the wall's time of every round, and the processor's of all. */
async function time(works) {
  const timed = works.map(() => ({ wall: [], processor: 0 }))
  for (let round = -2; round < ROUNDS; round++) {
    for (const [i, work] of works.entries()) {
      const [start, cpu] = [performance.now(), processorTime()]
      const count = await work()
      if (!(count > 0)) throw new Error('an empty dump proves nothing')
      if (round < 0) continue
      timed[i].wall.push(performance.now() - start)
      timed[i].processor += processorTime() - cpu
    }
  }
  return timed
}

function report(what, [ours, ip], python) {
  const mine = median(ours.wall)
  const row = (name, { wall, processor }) => {
    const ms = median(wall)
    let line = `  ${name.padEnd(22)} ${ms.toFixed(1).padStart(8)} ms   ${(ms / mine).toFixed(2)} x ours`
    if (processor) {
      const ratio = (processor / ours.processor).toFixed(2)
      line += `   processor ${(processor / ROUNDS).toFixed(1).padStart(6)} ms   ${ratio} x ours`
    }
    console.log(line)
  }
  console.log(what)
  row('vnet-cni (async)', ours)
  row('ip -j + JSON.parse', ip)
  if (python) row('pyroute2', { wall: python })
  else console.log('  pyroute2               not installed (python3-pyroute2)')
}

async function main() {
  setUp()
  const routes = (await ns.route.dump({ family: 'ipv4' })).length
  const links = (await ns.link.dump()).length
  report(
    `${routes} routes`,
    await time([
      async () => (await ns.route.dump({ family: 'ipv4' })).length,
      () => ipJson('route', 'show', 'table', 'all'),
    ]),
    pyroute2('routes'),
  )
  report(
    `${links} links`,
    await time([async () => (await ns.link.dump()).length, () => ipJson('link')]),
    pyroute2('links'),
  )
  await ns.link.delGroup(9)
}

await main().finally(() => ns.close())
