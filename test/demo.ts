/**
 * Shows the plug-ins at work on a simulated Azure VM, from the first ADD to the proof that
 * nothing is left: `node --import tsx test/demo.ts`, as root.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { AzureHost } from './helpers/azure-host.js'
import { BRIEF_MS } from './helpers/host-ping.js'
import { CniRunner } from './helpers/cni-runner.js'
import { leasedAddresses, showLeases } from './helpers/demo/leases.js'
import { Reporter } from './helpers/demo/reporter.js'
import { missingRequirement } from './helpers/demo/requirements.js'
import { addPods, delPods, pingAll, publish, type Stage } from './helpers/demo/steps.js'
import { drawTopology } from './helpers/demo/topology.js'
import type { HostPing } from './helpers/host-ping.js'
import type { Snapshot } from './helpers/snapshot.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const HELP = `Usage: node --import tsx test/demo.ts [options]

Builds a simulated Azure VM in network namespaces of its own, connects two pods to it,
tries every path, and takes all of it away again. Needs root; changes nothing else.

  --keep             leave the VM up at the end, until Ctrl-C, and say how to enter it
  --json             print one JSON document with all steps instead of text
  --cni-path DIR     other plug-ins (dist/cni)
  --conflist FILE    another network configuration list (conf/10-azure.conflist)
  --help             print this

Exit status: 0 when every step went well, else 1.
`
const OPTIONS = {
  keep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  'cni-path': { type: 'string', default: join(ROOT, 'dist/cni') },
  conflist: { type: 'string', default: join(ROOT, 'conf/10-azure.conflist') },
} as const

function fail(message: string): never {
  process.stderr.write(`demo: ${message}\n`)
  process.exit(1)
}

type Options = ReturnType<typeof readOptions>

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    return fail(`${(error as Error).message.split('\n')[0]} (see --help)`)
  }
}

async function proveClean(
  stage: Stage,
  before: Snapshot,
  watch: HostPing,
): Promise<void> {
  const { host, report } = stage
  report.heading('What is left')
  await report.step('links, addresses, routes, rules, neighbours, nft', async () => {
    const changes = await host.changesSince(before, { state: false })
    if (changes.length > 0) throw new Error(`changed\n${changes.join('\n')}`)
    return 'as before'
  })
  await report.step('leases', () => {
    const left = leasedAddresses(host) ?? []
    if (left.length > 0) throw new Error(`not given back: ${left.join(', ')}`)
    return 'none'
  })
  await report.step("frames the fabric dropped for a pod's MAC", async () => {
    const drops = await host.fabricDrops()
    if (drops > 0) throw new Error(String(drops))
    return 'none'
  })
  await report.step("pings of the host's own network", async () => {
    const { lost, longestGapMs, fromVm, fromFabric } = await watch.stop()
    const told = `${fromVm.sent + fromFabric.sent} sent, ${lost || 'none'} lost`
    if (longestGapMs > BRIEF_MS) throw new Error(`${told}, a gap of ${longestGapMs} ms`)
    return told
  })
}

function explainEntry({ host, report }: Stage): void {
  report.say(
    '',
    'The VM stays up until Ctrl-C. To enter it, its fabric, a pod:',
    ...[host.names.vm, host.names.fabric, ...host.pods.values()].map(
      (name) => `  ip netns exec ${name.replace('/run/netns/', '')} bash`,
    ),
    `Environment of the plug-ins: ${Object.entries(host.env)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
  )
}

/** Waits for a signal, whose handler cleans up and ends the process. */
function untilSignal(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 60_000))
}

async function play(stage: Stage, keep: boolean): Promise<void> {
  const { host, report } = stage
  const before = await host.snapshot({ state: false })
  const watch = await host.hostPing()
  await addPods(stage)
  report.say('', ...showLeases(host), '', ...(await drawTopology(host)))
  await pingAll(stage)
  await publish(stage)
  // A VM without its pods would not be worth keeping.
  if (keep) return watch.kill()
  await delPods(stage)
  await proveClean(stage, before, watch)
}

function conclude(report: Reporter, json: boolean): void {
  const { ok, records } = report
  if (json) process.stdout.write(`${JSON.stringify({ ok, steps: records }, null, 2)}\n`)
  const failed = records.filter((record) => !record.ok).length
  const summary = ok ? `${records.length} steps, all well` : `${failed} steps failed`
  report.say('', summary)
  process.exitCode = ok ? 0 : 1
}

async function present(host: AzureHost, report: Reporter, options: Options) {
  const { conflist, 'cni-path': cniPath, keep, json } = options
  const runner = new CniRunner({ host, cniPath, conflist })
  const stage = { host, runner, report, addresses: new Map<string, string>() }
  await play(stage, keep)
  conclude(report, json)
  if (!keep) return
  explainEntry(stage)
  await untilSignal()
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options.help) return void process.stdout.write(HELP)
  const missing = missingRequirement()
  if (missing) fail(missing)
  if (!existsSync(options['cni-path']))
    fail(`no plug-ins in ${options['cni-path']}: npm run build makes them`)
  const report = new Reporter(options.json)
  report.heading('A simulated Azure VM')
  let host: AzureHost | undefined
  await report.step('VM with 8 secondary addresses, fabric, wireserver', async () => {
    host = await AzureHost.create()
    return `${host.names.vm}, NIC ${host.nic.mac}`
  })
  try {
    if (host) await present(host, report, options)
    else conclude(report, options.json)
  } finally {
    await host?.destroy()
  }
}

await main().catch((error: unknown) => fail(String(error)))
