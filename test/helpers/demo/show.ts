import { readFileSync } from 'node:fs'
import { AzureHost } from '../azure-host.js'
import { CniRunner, type Conflist } from '../cni-runner.js'
import { until } from '../process.js'
import { diffSnapshots, type Snapshot } from '../snapshot.js'
import { leasedAddresses, showLeases } from './leases.js'
import { Peers } from './peers.js'
import { pictureOf } from './picture.js'
import { Reporter } from './reporter.js'
import { addPods, delPods, publish, reachAll, type Stage } from './steps.js'
import { drawTopology } from './topology.js'

/** What the demo's options say. */
export interface DemoOptions {
  keep: boolean
  json: boolean
  /** Name of a host of the zoo. */
  host?: string | undefined
  /** Folder with the plug-ins. */
  'cni-path': string
  /** File with the network configuration list. */
  conflist: string
}

async function proveClean(stage: Stage, before: Snapshot): Promise<void> {
  const { host, report, peers } = stage
  report.heading('What is left')
  await report.step('links, addresses, routes, rules, neighbours, nft', async () => {
    let changes: string[] = []
    const same = async () => {
      changes = diffSnapshots(before, await pictureOf(host.netnsPath))
      return changes.length === 0
    }
    // A link that changed its place needs a moment for its IPv6 address.
    await until('the old state', same).catch((error: Error) => {
      throw new Error(`changed\n${changes.join('\n')}`, { cause: error })
    })
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
  await report.step("the host's own connections, open all the while", async () => {
    return `${await peers.release()} lines sent, all came back`
  })
}

function explainEntry({ host, report }: Stage): void {
  report.say(
    '',
    'The VM stays up until Ctrl-C. To enter it, its fabric, a pod:',
    ...[host.netnsPath, `/run/netns/${host.names.fabric}`, ...host.pods.values()].map(
      (path) => `  nsenter --net=${path} bash`,
    ),
    '',
    'Its files are apart from those of this machine, for programs that know where:',
    ...Object.entries(host.env).map(([name, value]) => `  export ${name}=${value}`),
  )
}

/** Waits for a signal, whose handler cleans up and ends the process. */
function untilSignal(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 60_000))
}

async function play(stage: Stage, keep: boolean): Promise<void> {
  const { host, report, peers } = stage
  const before = await pictureOf(host.netnsPath)
  await peers.hold()
  await addPods(stage)
  report.say('', ...showLeases(host), '', ...(await drawTopology(host)))
  await reachAll(stage)
  await publish(stage)
  // A VM without its pods would not be worth keeping.
  if (keep) return
  await delPods(stage)
  await proveClean(stage, before)
}

function conclude(report: Reporter, json: boolean): void {
  const { ok, records } = report
  if (json) process.stdout.write(`${JSON.stringify({ ok, steps: records }, null, 2)}\n`)
  const failed = records.filter((record) => !record.ok).length
  const summary = ok ? `${records.length} steps, all well` : `${failed} steps failed`
  report.say('', summary)
  process.exitCode = ok ? 0 : 1
}

/** The list, told to take the bridge away with the last pod: the demo shows that nothing is left. */
function readList(file: string): Conflist {
  const list = JSON.parse(readFileSync(file, 'utf8')) as Conflist
  const vnet = list.plugins.find(({ type }) => type === 'azure-vnet')
  if (vnet) vnet['bridgeLifetime'] = 'pods'
  return list
}

async function present(host: AzureHost, report: Reporter, options: DemoOptions) {
  const { 'cni-path': cniPath, keep, json } = options
  const runner = new CniRunner({ host, cniPath, conflist: readList(options.conflist) })
  const peers = await Peers.create(host)
  const stage = { host, runner, report, peers, addresses: new Map<string, string>() }
  await play(stage, keep)
  conclude(report, json)
  if (!keep) return
  explainEntry(stage)
  await untilSignal()
}

async function makeHost(name?: string): Promise<AzureHost> {
  if (name === undefined) return AzureHost.create()
  const { named } = await import('../hosts/keeper.js')
  const { buildHost } = await import('../hosts/zoo.js')
  return (await buildHost(named(name))).host
}

/** Builds the VM, shows everything, takes it away; sets the process's exit status. */
export async function show(options: DemoOptions): Promise<void> {
  const report = new Reporter(options.json)
  report.heading('A simulated Azure VM')
  let host: AzureHost | undefined
  const what = options.host ?? 'VM with 8 secondary addresses'
  await report.step(`${what}, fabric, wireserver`, async () => {
    host = await makeHost(options.host)
    return `${host.names.vm}, NIC ${host.nic.mac}`
  })
  try {
    if (host) await present(host, report, options)
    else conclude(report, options.json)
  } finally {
    await host?.destroy()
  }
}
