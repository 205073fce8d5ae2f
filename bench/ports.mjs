// What many host ports of one container cost: processor time and time of adding and removing them,
// in a network namespace of its own. Needs root.
//
//   node bench/ports.mjs [folder of a build, such as dist/esm]
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const build = resolve(process.argv[2] ?? 'dist/esm')
const load = (file) => import(pathToFileURL(`${build}/${file}`).href)
const { NetNs } = await load('index.js')
const { portBackend } = await load('portmap/index.js')
const backend = await portBackend()

const POD = '10.0.0.7'
const OTHER = '10.0.0.8'

function makeHost() {
  const host = NetNs.create()
  const plan = host.plan()
  const bridge = plan.link.add({ kind: 'bridge', name: 'azure2', up: true })
  plan.address.add({ link: bridge, address: '10.0.0.4/24' })
  plan.runSync()
  return host
}

const mappings = (protocol, count) =>
  Array.from({ length: count }, (_, i) => ({
    protocol,
    hostPort: 20_000 + i,
    containerPort: 20_000 + i,
  }))

async function measure(what, act) {
  const cpu = process.cpuUsage()
  const began = performance.now()
  await act()
  const wall = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  const ms = (value) => value.toFixed(0).padStart(6)
  console.log(
    `${what.padEnd(40)}${ms(wall)} ms${ms((user + system) / 1000)} ms of processor time`,
  )
}

for (const [protocol, count] of [
  ['tcp', 1],
  ['tcp', 100],
  ['tcp', 1000],
  ['tcp', 10_001],
  ['udp', 1000],
]) {
  const host = makeHost()
  const ports = { pod: POD, mappings: mappings(protocol, count), snat: true }
  const one = [{ protocol: 'tcp', hostPort: 80, containerPort: 80 }]
  const other = { pod: OTHER, mappings: one, snat: true }
  const name = `${count} ${protocol}`
  await measure(`${name}: add`, () => backend.add(host, 'net/a/eth0', ports))
  await measure(`${name}: add of another's one port`, () =>
    backend.add(host, 'net/b/eth0', other),
  )
  await measure(`${name}: check`, () => backend.check(host, 'net/a/eth0', ports))
  await measure(`${name}: restore, nothing missing`, () =>
    backend.restore(host, [{ tag: 'net/a/eth0', ports }]),
  )
  await measure(`${name}: remove`, () => backend.remove(host, 'net/a/eth0'))
  host.close()
}
