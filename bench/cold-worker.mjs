// The part of bench/cold.mjs that runs inside the simulated VM: reads the job as JSON on stdin,
// calls plug-ins, and prints what it measured as JSON.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const job = JSON.parse(readFileSync(0, 'utf8'))
const times = {}
const marks = {}
const none = () => undefined

/** Processor time of all ended children, in ms; the kernel shows it in steps of 10 ms. */
function childrenCpu() {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  // proc(5): fields 16 and 17 are cutime and cstime; field 3 follows the name.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10
}

const portmap = { type: 'portmap', snat: true }
const CONFS = {
  azure: [
    {
      type: 'azure-vnet',
      mode: 'bridge',
      bridge: 'azure0',
      ipam: { type: 'azure-vnet-ipam' },
    },
    portmap,
  ],
  go: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      ipam: {
        type: 'host-local',
        dataDir: join(job.folder, 'host-local'),
        ranges: [[{ subnet: '10.88.0.0/16' }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    portmap,
  ],
}
const MAIN = 0
const PORTMAP = 1

function record(name, { ms, cpu }) {
  times[name] ??= []
  times[name].push({ ms, cpu })
}

const sum = (a, b) => ({ ms: a.ms + b.ms, cpu: a.cpu + b.cpu })

function request(system, index, verb, attachment, { prevResult, ports } = {}) {
  const conf = {
    cniVersion: '0.3.1',
    name: `bench-${system.name}`,
    ...CONFS[system.kind][index],
    ...(ports && { runtimeConfig: { portMappings: ports } }),
    ...(prevResult && { prevResult }),
  }
  return {
    file: join(system.path, conf.type),
    input: JSON.stringify(conf),
    env: {
      ...job.env,
      CNI_PATH: system.path,
      CNI_COMMAND: verb,
      CNI_IFNAME: 'eth0',
      CNI_CONTAINERID: attachment.id,
      CNI_NETNS: attachment.netns,
    },
  }
}

function call(system, index, verb, attachment, more = {}) {
  const r = request(system, index, verb, attachment, more)
  const env = more.trace ? { ...r.env, VNET_CNI_TRACE: '1' } : r.env
  const cpuBefore = childrenCpu()
  const began = performance.now()
  const beganAt = performance.timeOrigin + began
  const { status, stdout, stderr } = spawnSync(r.file, {
    input: r.input,
    env,
    encoding: 'utf8',
  })
  const ms = performance.now() - began
  if (status !== 0) throw new Error(`${r.file} ${verb}: ${stdout} ${stderr}`)
  if (more.trace) noteMarks(`${index ? 'portmap' : 'main'} ${verb}`, beganAt, ms, stderr)
  const cpu = childrenCpu() - cpuBefore
  return { ms, cpu, result: verb === 'ADD' ? JSON.parse(stdout) : undefined }
}

// Time between one mark and the next, from the exec to the end of the process.
function noteMarks(name, beganAt, ms, stderr) {
  const list = [...stderr.matchAll(/^vnet-cni trace: (.+) ([\d.]+)$/gm)]
  const stages = list.map(([, stage, at]) => [stage, Number(at) - beganAt])
  const of = (marks[name] ??= {})
  let before = 0
  for (const [stage, at] of [...stages, ['exit', ms]]) {
    of[stage] ??= []
    of[stage].push(at - before)
    before = at
  }
}

const ports = [{ hostPort: 18080, containerPort: 80, protocol: 'tcp' }]

function chain(system, attachment, note, trace = false) {
  const { name } = system
  const idle = { ...attachment, id: `${attachment.id}-idle` }
  const add = call(system, MAIN, 'ADD', attachment, { ports, trace })
  const prevResult = add.result
  const map = call(system, PORTMAP, 'ADD', attachment, { prevResult, ports, trace })
  const mapNone = call(system, PORTMAP, 'ADD', idle, { prevResult })
  const unmapNone = call(system, PORTMAP, 'DEL', idle)
  const unmap = call(system, PORTMAP, 'DEL', attachment, { ports, trace })
  const del = call(system, MAIN, 'DEL', attachment, { ports, trace })
  note(`main ADD|${name}`, add)
  note(`portmap ADD|${name}`, map)
  note(`portmap ADD, no ports|${name}`, mapNone)
  note(`chain ADD|${name}`, sum(add, map))
  note(`main DEL|${name}`, del)
  note(`portmap DEL|${name}`, unmap)
  note(`portmap DEL, no ports|${name}`, unmapNone)
  note(`chain DEL|${name}`, sum(del, unmap))
}

function round(system, i, netns) {
  // The first two rounds fill caches.
  const note = i < 2 ? none : record
  const attachment = { id: `c${i}-${system.name}`, netns }
  note(`main VERSION|${system.name}`, call(system, MAIN, 'VERSION', attachment))
  note(`portmap VERSION|${system.name}`, call(system, PORTMAP, 'VERSION', attachment))
  chain(system, attachment, note)
  if (system.name !== 'ours' || i < 2) return
  chain(system, { ...attachment, id: `t${i}` }, none, true)
}

function sequential() {
  const [anchorNetns, goNetns, netns] = job.pods
  const anchor = { id: 'anchor', netns: anchorNetns }
  const azure = job.systems.filter(({ kind }) => kind === 'azure')
  for (let i = 0; i < 5; i++) {
    for (const system of azure) {
      record(`first pod ADD|${system.name}`, call(system, MAIN, 'ADD', anchor))
      record(`last pod DEL|${system.name}`, call(system, MAIN, 'DEL', anchor))
    }
  }
  // A node nearly always has a pod with a port: bridge and tables are there.
  for (const system of [azure[0], job.systems.at(-1)]) {
    const own = {
      id: `anchor-${system.name}`,
      netns: system.kind === 'go' ? goNetns : anchorNetns,
    }
    const held = [{ hostPort: 18081, containerPort: 80, protocol: 'tcp' }]
    const { result } = call(system, MAIN, 'ADD', own)
    call(system, PORTMAP, 'ADD', own, { prevResult: result, ports: held })
  }
  for (let i = 0; i < job.runs + 2; i++) {
    for (const system of job.systems) round(system, i, netns)
  }
}

function start(system, verb, attachment) {
  const { file, env, input } = request(system, MAIN, verb, attachment)
  return new Promise((resolve, reject) => {
    const child = spawn(file, [], { env })
    let said = ''
    child.stdout.on('data', (text) => (said += text))
    child.stderr.on('data', (text) => (said += text))
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${file} ${verb}: ${said}`)),
    )
    child.stdin.end(input)
  })
}

async function crowd(system, verb) {
  const waiting = job.pods.map((netns, i) => ({ id: `n${i}`, netns }))
  const cpuBefore = childrenCpu()
  const began = performance.now()
  const lane = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      await start(system, verb, one)
    }
  }
  await Promise.all(Array.from({ length: 20 }, lane))
  const name = `${job.pods.length} ${verb}s, 20 at a time`
  const ms = performance.now() - began
  record(`${name}|${system.name}`, { ms, cpu: childrenCpu() - cpuBefore })
}

mkdirSync(join(job.folder, 'host-local'), { recursive: true })
if (job.parallel) {
  for (let i = 0; i < job.runs; i++) {
    for (const system of job.systems) {
      await crowd(system, 'ADD')
      await crowd(system, 'DEL')
    }
  }
} else {
  sequential()
}
process.stdout.write(JSON.stringify({ times, marks }))
