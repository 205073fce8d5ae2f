import type { AzureHost } from '../azure-host.js'
import type { CniResult, CniRunner, PortMapping } from '../cni-runner.js'
import { ADDRESS } from '../fabric.js'
import type { Peers } from './peers.js'
import type { Reporter } from './reporter.js'

const PAGE = 'hello from pod-a'
const CALLED = {
  ...{ vm: 'the host', fabric: 'the gateway' },
  ...{ secondVm: 'the second VM', peeredVm: 'the peered VM' },
  ...{ 'pod-a': 'pod-a', 'pod-b': 'pod-b' },
}
const PODS = ['pod-a', 'pod-b'] as const
const PORTS: Record<string, PortMapping[]> = {
  'pod-a': [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
}

/** What the steps share. */
export interface Stage {
  host: AzureHost
  runner: CniRunner
  report: Reporter
  peers: Peers
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
export async function addPods(stage: Stage): Promise<void> {
  const { host, runner, report, peers, addresses } = stage
  report.heading('ADD, as a container runtime calls it')
  for (const pod of PODS) {
    const path = await host.addPodNetns(pod)
    const ports = PORTS[pod] ? ', host port 8080 → 80' : ''
    await report.step(`ADD ${pod}${ports}`, async () => {
      const result = await runner.add(`demo-${pod}`, path, 'eth0', callFor(pod))
      addresses.set(pod, result.ips?.[0]?.address.split('/')[0] ?? '')
      return describe(result)
    })
    await peers.start(pod, path)
  }
}

/** Sends a datagram every way, to a server that answers who it is and whom it sees. */
export async function reachAll({ report, peers, addresses }: Stage): Promise<void> {
  report.heading('Who reaches whom, by UDP')
  const a = addresses.get('pod-a') ?? 'pod-a'
  const b = addresses.get('pod-b') ?? 'pod-b'
  const ways = [
    ['vm', 'pod-a', a],
    ['vm', 'pod-b', b],
    ['pod-a', 'vm', ADDRESS.primary],
    ['pod-a', 'pod-b', b],
    ['pod-b', 'pod-a', a],
    ['pod-a', 'fabric', ADDRESS.gateway],
    ['fabric', 'pod-a', a],
    ['secondVm', 'pod-a', a],
    ['pod-b', 'secondVm', ADDRESS.secondVm],
    ['peeredVm', 'pod-b', b],
  ] as const
  for (const [from, to, address] of ways)
    await report.step(`${CALLED[from]} reaches ${CALLED[to]}`, async () => {
      const { name, seen } = await peers.reach(from, address)
      if (name !== to) throw new Error(`${name} answered for ${address}`)
      return `${address}, which sees ${seen}`
    })
}

/** Serves a page in pod-a and fetches it in every way through the host's port. */
export async function publish({ report, peers, addresses }: Stage): Promise<void> {
  report.heading('HTTP, pod-a behind port 8080 of the host')
  const url = `http://${ADDRESS.primary}:8080/`
  await report.step('web server in pod-a', () => peers.serve('pod-a', 80, PAGE))
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
      const page = await peers.fetch(from, target)
      if (page !== PAGE) throw new Error(`${target} gave ${page}`)
      return target
    })
  await report.step('pod-b → Internet', async () => {
    const seen = await peers.fetch('pod-b', `http://${ADDRESS.internet}/`)
    return `seen there as ${seen}`
  })
}

/** Runs DEL for both pods and takes their namespaces away. */
export async function delPods({ host, runner, report }: Stage): Promise<void> {
  report.heading('DEL, and the bridge goes with the last pod ("bridgeLifetime": "pods")')
  for (const pod of PODS) {
    const path = host.pods.get(pod)
    if (path === undefined) continue
    await report.step(`DEL ${pod}`, () =>
      runner.del(`demo-${pod}`, path, 'eth0', callFor(pod)),
    )
  }
  for (const pod of PODS) await host.removePodNetns(pod)
}
