// How long calls take from a cold start, beside the Go plug-ins of containernetworking.
//
//   node bench/cold.mjs [--runs 30] [--cni-path DIR] [--other NAME=DIR]... [--parallel] [--json]
//                       [--perf]
//
// As root, in simulated Azure VMs (network namespaces), one for each system, so that versions with
// state files of different formats can be compared. In every round each system runs each case
// once, so that whatever else the machine does falls on all of them alike; medians, and ratios of
// medians, are what counts. With --perf the times are processor time as `perf stat` counts it, which
// other load on the machine changes least, and page faults stand beside them. Needs Debian's containernetworking-plugins and iptables.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { register } from 'tsx/esm/api'
import { printReport } from './cold-report.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const GO = '/usr/lib/cni'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '30' },
    'cni-path': { type: 'string', default: join(root, 'dist', 'bundle') },
    other: { type: 'string', multiple: true, default: [] },
    parallel: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    perf: { type: 'boolean', default: false },
  },
})

const ours = { name: 'ours', path: values['cni-path'] }
const others = values.other.map((text) => {
  const [name, path] = text.split('=')
  return { name, path }
})
for (const { path } of [ours, ...others, { path: GO }]) {
  if (!existsSync(join(path, 'portmap'))) {
    process.stderr.write(
      `bench: no plug-ins in ${path}: npm run bundle, or install the peers\n`,
    )
    process.exit(1)
  }
}

register()
// State lives on a tmpfs on every systemd host (/run); this machine's /run may be none.
process.env.TMPDIR = '/dev/shm'
const { AzureHost } = await import('../test/helpers/azure-host.ts')
const WARM_UP_ROUNDS = 2
const runs = Number(values.runs)
const systems = [
  ...[ours, ...others].map((system) => ({ ...system, kind: 'azure' })),
  { name: 'go', path: GO, kind: 'go' },
]
const stages = []
try {
  for (const system of systems) stages.push(await openStage(system))
  await (values.parallel ? crowds() : rounds())
  const reports = {}
  for (const { system, perform } of stages)
    reports[system.name] = await perform({ task: 'report' })
  if (values.json) process.stdout.write(`${JSON.stringify(reports)}\n`)
  else printReport(reports, { machine: machine(), perf: values.perf })
} finally {
  for (const stage of stages) await stage.close()
}

async function crowds() {
  for (let i = 0; i < runs; i++) {
    for (const { perform } of stages) {
      await perform({ task: 'crowd', verb: 'ADD' })
      await perform({ task: 'crowd', verb: 'DEL' })
    }
  }
}

async function rounds() {
  const azure = stages.filter(({ system }) => system.kind === 'azure')
  for (let i = 0; i < 5; i++) {
    for (const { perform } of azure) await perform({ task: 'alone' })
  }
  for (const { perform } of stages) await perform({ task: 'settle' })
  for (let i = 0; i < runs + WARM_UP_ROUNDS; i++) {
    const isWarm = i >= WARM_UP_ROUNDS
    for (const { perform } of stages) await perform({ task: 'round', i, isWarm })
  }
}

/** A VM with a worker in it, so that a measured call is one exec and nothing else. */
async function openStage(system) {
  const host = await AzureHost.create({ pods: 110 })
  const pods = []
  for (let i = 0; i < (values.parallel ? 100 : 2); i++) {
    pods.push(await host.addPodNetns(`p${i}`))
  }
  const worker = spawn(
    'nsenter',
    [`--net=${host.netnsPath}`, process.execPath, join(root, 'bench', 'cold-worker.mjs')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const answers = createInterface({ input: worker.stdout })[Symbol.asyncIterator]()
  const tell = (message) => worker.stdin.write(`${JSON.stringify(message)}\n`)
  const env = { ...host.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  tell({ system, pods, folder: host.folder, env, perf: values.perf })
  const perform = async (task) => {
    tell(task)
    const { value, done } = await answers.next()
    if (done) throw new Error(`the worker of ${system.name} ended`)
    return JSON.parse(value)
  }
  const close = async () => {
    worker.stdin.end()
    await host.destroy()
  }
  return { system, perform, close }
}

function machine() {
  const read = (command, ...args) =>
    execFileSync(command, args, { encoding: 'utf8' }).trim()
  return `kernel ${read('uname', '-r')}, ${read('nproc')} cores`
}
