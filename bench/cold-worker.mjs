// The part of bench/cold.mjs that runs inside the simulated VM of one system: reads JSON lines on
// stdin, the job and then what to do next, calls plug-ins, and answers each with a JSON line.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const job = JSON.parse((await lines.next()).value)
const { system } = job
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

function record(name, { ms, cpu, faults }) {
  times[name] ??= []
  times[name].push({ ms, cpu, faults })
}

const sum = (a, b) => ({
  ms: a.ms + b.ms,
  cpu: a.cpu + b.cpu,
  faults: a.faults + b.faults,
})

/** What `perf stat` counts of a call: processor time in ms, and page faults. */
function counted(file, options) {
  const report = join(job.folder, 'perf')
  const events = ['-e', 'task-clock,page-faults']
  const ended = spawnSync('perf', ['stat', '-x,', ...events, '-o', report, file], options)
  const counts = readFileSync(report, 'utf8').split('\n')
  const [ms, faults] = ['task-clock', 'page-faults'].map((event) =>
    Number(counts.find((line) => line.includes(event)).split(',')[0]),
  )
  return { ended, ms, cpu: ms, faults }
}

/** By the clock; a child's processor time is shown in steps of 10 ms. */
function timed(file, options) {
  const cpuBefore = childrenCpu()
  const began = performance.now()
  const ended = spawnSync(file, options)
  const ms = performance.now() - began
  return { ended, ms, cpu: childrenCpu() - cpuBefore }
}

function request(index, verb, attachment, { prevResult, ports } = {}) {
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

function call(index, verb, attachment, more = {}) {
  const r = request(index, verb, attachment, more)
  const env = more.trace ? { ...r.env, VNET_CNI_TRACE: '1' } : r.env
  const options = { input: r.input, env, encoding: 'utf8' }
  const beganAt = performance.timeOrigin + performance.now()
  const { ended, ...taken } = (job.perf ? counted : timed)(r.file, options)
  const { status, stdout, stderr } = ended
  if (status !== 0) throw new Error(`${r.file} ${verb}: ${stdout} ${stderr}`)
  if (more.trace) {
    noteMarks(`${index ? 'portmap' : 'main'} ${verb}`, beganAt, taken.ms, stderr)
  }
  return { ...taken, result: verb === 'ADD' ? JSON.parse(stdout) : undefined }
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

function chain(attachment, note, trace = false) {
  const idle = { ...attachment, id: `${attachment.id}-idle` }
  const add = call(MAIN, 'ADD', attachment, { ports, trace })
  const prevResult = add.result
  const map = call(PORTMAP, 'ADD', attachment, { prevResult, ports, trace })
  const mapNone = call(PORTMAP, 'ADD', idle, { prevResult })
  const unmapNone = call(PORTMAP, 'DEL', idle)
  const unmap = call(PORTMAP, 'DEL', attachment, { ports, trace })
  const del = call(MAIN, 'DEL', attachment, { ports, trace })
  note('main ADD', add)
  note('portmap ADD', map)
  note('portmap ADD, no ports', mapNone)
  note('chain ADD', sum(add, map))
  note('main DEL', del)
  note('portmap DEL', unmap)
  note('portmap DEL, no ports', unmapNone)
  note('chain DEL', sum(del, unmap))
}

/** `isWarm` after the first rounds, which fill caches and do not count. */
function round({ i, isWarm }) {
  const note = isWarm ? record : none
  const attachment = { id: `c${i}`, netns: job.pods[1] }
  note('main VERSION', call(MAIN, 'VERSION', attachment))
  note('portmap VERSION', call(PORTMAP, 'VERSION', attachment))
  chain(attachment, note)
  if (system.kind === 'azure' && isWarm && !job.perf) {
    chain({ ...attachment, id: `t${i}` }, none, true)
  }
}

/** The first and the last pod of a node: bridge and tables come and go. */
function alone() {
  const anchor = { id: 'anchor', netns: job.pods[0] }
  record('first pod ADD', call(MAIN, 'ADD', anchor))
  record('last pod DEL', call(MAIN, 'DEL', anchor))
}

/** A node nearly always has a pod with a port: bridge and tables are there. */
function settle() {
  const own = { id: 'anchor', netns: job.pods[0] }
  const held = [{ hostPort: 18081, containerPort: 80, protocol: 'tcp' }]
  const { result } = call(MAIN, 'ADD', own)
  call(PORTMAP, 'ADD', own, { prevResult: result, ports: held })
}

function start(verb, attachment) {
  const { file, env, input } = request(MAIN, verb, attachment)
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

async function crowd({ verb }) {
  const waiting = job.pods.map((netns, i) => ({ id: `n${i}`, netns }))
  const cpuBefore = childrenCpu()
  const began = performance.now()
  const lane = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await start(verb, one)
  }
  await Promise.all(Array.from({ length: 20 }, lane))
  const ms = performance.now() - began
  record(`${job.pods.length} ${verb}s, 20 at a time`, {
    ms,
    cpu: childrenCpu() - cpuBefore,
  })
}

const TASKS = { alone, settle, round, crowd, report: () => ({ times, marks }) }

mkdirSync(join(job.folder, 'host-local'), { recursive: true })
for await (const line of lines) {
  const { task, ...options } = JSON.parse(line)
  const answer = await TASKS[task](options)
  process.stdout.write(`${JSON.stringify(answer ?? {})}\n`)
}
