/** A bridge of the host that is not ours, as dockerd makes one: containers, NAT, published ports. */
import type { AzureHost } from '../../helpers/azure-host.js'
import { ADDRESS } from '../../helpers/fabric.js'
import { fetchTcp, fetchUdp, serve } from './traffic.js'

const GATEWAY = '172.17.0.1'
/** Name of each container, and its address. */
export const CONTAINERS = { c1: '172.17.0.2', c2: '172.17.0.3' } as const
/** The published port of the first container. */
export const PUBLISHED = 8088
/** The port that the host itself serves. */
const HOST_PORT = 8000

// What dockerd has in table ip nat, without its names.
const NAT = `table ip foreign {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    fib daddr type local meta l4proto { tcp, udp } th dport ${PUBLISHED} dnat to ${CONTAINERS.c1}:80
  }
  chain output {
    type nat hook output priority -100;
    ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto { tcp, udp } th dport ${PUBLISHED} dnat to ${CONTAINERS.c1}:80
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
    ip saddr ${CONTAINERS.c1} ip daddr ${CONTAINERS.c1} masquerade
  }
}`

async function run(host: AzureHost, ...args: string[]): Promise<void> {
  const { code, stderr } = await host.exec('ip', args)
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}

/** Makes the bridge `docker0` with two containers in the VM, and a server in each and on the host. */
export async function addForeignBridge(host: AzureHost): Promise<void> {
  await host.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1'])
  await run(host, 'link', 'add', 'docker0', 'type', 'bridge')
  await run(host, 'link', 'set', 'docker0', 'up')
  await run(host, 'address', 'add', `${GATEWAY}/16`, 'dev', 'docker0')
  for (const [name, address] of Object.entries(CONTAINERS)) {
    const path = await host.addPodNetns(name)
    const netns = path.slice('/run/netns/'.length)
    const port = `veth${name}`
    await run(
      host,
      ...['link', 'add', port, 'type', 'veth', 'peer', 'eth0', 'netns', netns],
    )
    await run(host, 'link', 'set', port, 'master', 'docker0', 'up')
    const inside = (...args: string[]) => host.podExec(name, 'ip', args)
    await inside('address', 'add', `${address}/16`, 'dev', 'eth0')
    await inside('link', 'set', 'eth0', 'up')
    await inside('route', 'add', 'default', 'via', GATEWAY)
    await serve(host, name)
  }
  await host.exec('nft', ['-f', '-'], { input: NAT })
  await serve(host, 'vm', HOST_PORT)
  await serve(host, 'secondVm', HOST_PORT)
  await serve(host, 'fabric', HOST_PORT, ADDRESS.internet)
}

/** What containers reach, and who reaches them: each way by its name, with what was answered. */
export async function foreignMatrix(host: AzureHost): Promise<Record<string, string>> {
  const { c1, c2 } = CONTAINERS
  const published = `${ADDRESS.primary}:${PUBLISHED}`
  const ways: [string, string][] = [
    ['c1', `${c2}:80`],
    ['c2', `${c1}:80`],
    ['c1', `${GATEWAY}:${HOST_PORT}`],
    ['c1', `${ADDRESS.secondVm}:${HOST_PORT}`],
    ['vm', `${c1}:80`],
    ['vm', published],
    ['secondVm', published],
    ['secondVm', `${ADDRESS.primary}:${HOST_PORT}`],
  ]
  const found: Record<string, string> = {}
  for (const [from, at] of ways) {
    // Ports of another flow each time: conntrack remembers UDP.
    found[`tcp ${from} → ${at}`] = await fetchTcp(host, from, at)
    found[`udp ${from} → ${at}`] = await fetchUdp(host, from, at)
  }
  await host.podExec('c1', 'ip', ['neighbour', 'flush', 'dev', 'eth0'])
  found['arp c1 → c2'] = String(await arping(host, 'c1', c2))
  found['arp c1 → host'] = String(await arping(host, 'c1', GATEWAY))
  return found
}

async function arping(host: AzureHost, from: string, to: string): Promise<boolean> {
  const { code } = await host.podExec(from, 'arping', ['-c1', '-w2', '-I', 'eth0', to])
  return code === 0
}
