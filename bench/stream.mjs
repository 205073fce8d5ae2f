// Reads a large table of routes as a stream: seconds, memory above the start, and the longest time
// that the event loop stood still. A process of its own reads, so that what made the routes does
// not count. Run `npm run build` first, as root.
//
//   node bench/stream.mjs [routes] [ipv4|ipv6]
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { NetNs } from '../dist/esm/index.js'

const [ROUTES = '1000000', family = 'ipv4', path] = process.argv.slice(2)
const MIB = 2 ** 20

function routeTo(i) {
  if (family === 'ipv4') return `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32`
  return `fd00:${(i >> 16).toString(16)}:${(i & 0xffff).toString(16)}::/64`
}

function setUp() {
  const ns = NetNs.create()
  ns.sync.link.add({ kind: 'bridge', name: 'br0', up: true })
  const file = join(tmpdir(), `stream-bench-${process.pid}.txt`)
  const lines = Array.from(
    { length: Number(ROUTES) },
    (_, i) => `route add ${routeTo(i)} dev br0`,
  )
  writeFileSync(file, lines.join('\n') + '\n')
  const inside = `--net=/proc/${process.pid}/fd/${ns.fd}`
  execFileSync('nsenter', [inside, 'ip', `-${family.at(-1)}`, '-batch', file])
  rmSync(file)
  return ns
}

async function measure() {
  const ns = NetNs.open(path)
  // What any first call loads is no part of the stream.
  for await (const _ of ns.link.stream()) break
  globalThis.gc()
  const start = process.memoryUsage().rss
  const before = process.cpuUsage()
  const began = performance.now()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let most = 0
  let count = 0
  for await (const route of ns.route.stream({ family, table: 'main' })) {
    if (route.to && ++count % 10_000 === 0) {
      most = Math.max(most, process.memoryUsage().rss - start)
    }
  }
  delay.disable()
  const { user, system } = process.cpuUsage(before)
  console.log(
    `${count} routes (${family}): ${((performance.now() - began) / 1e3).toFixed(2)} s,`,
    `${((user + system) / 1e6).toFixed(2)} s of processor time,`,
    `${(most / MIB).toFixed(1)} MiB above the start,`,
    `the loop stood still for ${(delay.max / 1e6).toFixed(1)} ms at most`,
  )
}

if (path) {
  await measure()
} else {
  const ns = setUp()
  const child = ['--expose-gc', fileURLToPath(import.meta.url), ROUTES, family]
  const text = execFileSync(process.execPath, [
    ...child,
    `/proc/${process.pid}/fd/${ns.fd}`,
  ])
  process.stdout.write(text)
  ns.close()
}
