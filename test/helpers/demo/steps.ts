import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AzureHost } from '../azure-host.js'
import type { CniResult, CniRunner, PortMapping } from '../cni-runner.js'
import { ADDRESS } from '../fabric.js'
import { until } from '../process.js'
import type { Reporter } from './reporter.js'

const PAGE = 'hello from pod-a'
const PODS = ['pod-a', 'pod-b'] as const
const PORTS: Record<string, PortMapping[]> = {
  'pod-a': [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
}

/** What the steps share. */
export interface Stage {
  host: AzureHost
  runner: CniRunner
  report: Reporter
  /** Pod → its address without prefix length. */
  addresses: Map<string, string>
}

function callFor(pod: string) {
  const portMappings = PORTS[pod]
  return portMappings ? { portMappings } : {}
}

function describe(result: CniResult): string {
  const [ip] = result.ips ?? []
  return `${ip?.address ?? 'no address'} via ${ip?.gateway ?? 'no gateway'}`
}

/** Makes both pods and runs ADD for them. */
export async function addPods({ host, runner, report, addresses }: Stage): Promise<void> {
  report.heading('ADD, as a container runtime calls it')
  for (const pod of PODS) {
    const path = await host.addPodNetns(pod)
    const ports = PORTS[pod] ? ', host port 8080 → 80' : ''
    await report.step(`ADD ${pod}${ports}`, async () => {
      const result = await runner.add(`demo-${pod}`, path, 'eth0', callFor(pod))
      addresses.set(pod, result.ips?.[0]?.address.split('/')[0] ?? '')
      return describe(result)
    })
  }
}

/** Pings every way. */
export async function pingAll({ host, report, addresses }: Stage): Promise<void> {
  report.heading('Ping')
  const a = addresses.get('pod-a') ?? 'pod-a'
  const b = addresses.get('pod-b') ?? 'pod-b'
  const ways = [
    ['vm', a, 'host → pod-a'],
    ['vm', b, 'host → pod-b'],
    ['pod-a', ADDRESS.primary, 'pod-a → host'],
    ['pod-a', b, 'pod-a → pod-b'],
    ['pod-b', a, 'pod-b → pod-a'],
    ['pod-a', ADDRESS.gateway, 'pod-a → gateway'],
    ['fabric', a, 'gateway → pod-a'],
    ['secondVm', a, 'second VM → pod-a'],
    ['pod-b', ADDRESS.secondVm, 'pod-b → second VM'],
    ['peeredVm', b, 'peered VM → pod-b'],
  ] as const
  for (const [from, to, name] of ways)
    await report.step(name, async () => {
      if (!(await host.ping(from, to, 2))) throw new Error(`no answer from ${to}`)
      return to
    })
}

async function curl(host: AzureHost, where: string, url: string): Promise<string> {
  const { code, stdout, stderr } = await host.execIn(where, 'curl', ['-sSm3', url])
  if (code !== 0) throw new Error(stderr.trim())
  return stdout.trim()
}

function startWebServer(host: AzureHost): void {
  const folder = join(host.folder, 'www')
  mkdirSync(folder)
  writeFileSync(join(folder, 'index.html'), `${PAGE}\n`)
  host.start('pod-a', 'busybox', ['httpd', '-f', '-p', '80', '-h', folder])
}

/** Serves a page in pod-a and fetches it in every way through the host's port. */
export async function publish({ host, report, addresses }: Stage): Promise<void> {
  report.heading('HTTP, pod-a behind port 8080 of the host')
  const url = `http://${ADDRESS.primary}:8080/`
  const local = 'http://127.0.0.1/'
  await report.step('web server in pod-a', async () => {
    startWebServer(host)
    const answers = () => curl(host, 'pod-a', local).catch(() => '')
    await until('the web server', answers)
  })
  const ways = [
    ['fabric', url, 'the fabric'],
    ['secondVm', url, 'the second VM'],
    ['vm', url, 'the host, by its address'],
    ['vm', 'http://127.0.0.1:8080/', 'the host, by 127.0.0.1'],
    ['pod-b', url, 'pod-b'],
    ['pod-a', url, 'pod-a itself (hairpin)'],
    [
      'secondVm',
      `http://${addresses.get('pod-a')}/`,
      'the second VM, straight to the pod',
    ],
  ] as const
  for (const [from, target, name] of ways)
    await report.step(name, async () => {
      const page = await curl(host, from, target)
      if (page !== PAGE) throw new Error(`${target} gave ${page}`)
      return target
    })
  await report.step('pod-b → Internet', async () => {
    const seen = await curl(host, 'pod-b', `http://${ADDRESS.internet}/`)
    return `seen there as ${seen}`
  })
}

/** Runs DEL for both pods and takes their namespaces away. */
export async function delPods({ host, runner, report }: Stage): Promise<void> {
  report.heading('DEL')
  for (const pod of PODS) {
    const path = host.pods.get(pod)
    if (path === undefined) continue
    await report.step(`DEL ${pod}`, () =>
      runner.del(`demo-${pod}`, path, 'eth0', callFor(pod)),
    )
  }
  for (const pod of PODS) await host.removePodNetns(pod)
}
