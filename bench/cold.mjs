// How long calls take from a cold start, beside the Go plug-ins of containernetworking.
//
//   node bench/cold.mjs [--runs 30] [--cni-path DIR] [--other NAME=DIR]... [--parallel] [--json]
//
// In one simulated Azure VM (network namespaces of its own), as root. Every round runs each
// case once, so that whatever else the machine does falls on all of them alike; medians, and
// ratios of medians, are what counts. Needs Debian's containernetworking-plugins and iptables.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
const host = await AzureHost.create({ pods: 110 })
try {
  const pods = []
  for (let i = 0; i < (values.parallel ? 100 : 3); i++) {
    pods.push(await host.addPodNetns(`p${i}`))
  }
  const job = {
    runs: Number(values.runs),
    parallel: values.parallel,
    systems: [
      ...[ours, ...others].map((system) => ({ ...system, kind: 'azure' })),
      { name: 'go', path: GO, kind: 'go' },
    ],
    pods,
    folder: host.folder,
    env: { ...host.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  }
  // The worker lives inside the VM, so that a measured call is one exec and nothing else.
  const worker = join(root, 'bench', 'cold-worker.mjs')
  const netns = `--net=${host.netnsPath}`
  const { stdout, status } = spawnSync('nsenter', [netns, process.execPath, worker], {
    input: JSON.stringify(job),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 64 * 1024 * 1024,
    timeout: 30 * 60_000,
  })
  if (status !== 0) throw new Error(`the worker ended with ${status}`)
  if (values.json) process.stdout.write(stdout)
  else printReport(JSON.parse(stdout), machine())
} finally {
  await host.destroy()
}

function machine() {
  const read = (command, ...args) =>
    execFileSync(command, args, { encoding: 'utf8' }).trim()
  return `kernel ${read('uname', '-r')}, ${read('nproc')} cores`
}
