import { join } from 'node:path'
import type { AzureHost } from '../azure-host.js'
import { CniRunner, type Conflist } from '../cni-runner.js'
import { ECHO } from './crowd.js'
import type { HostKind, OtherContainer } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const PLUGINS = '/usr/lib/cni'

function list(host: AzureHost): Conflist {
  const ipam = {
    type: 'host-local',
    dataDir: join(host.folder, 'local'),
    ranges: [[{ subnet: '10.88.1.0/24' }]],
    routes: [{ dst: '0.0.0.0/0' }],
  }
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: true }
  const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true }
  const plugins = [{ ...bridge, hairpinMode: true, ipam }, portmap]
  return { cniVersion: '0.4.0', name: 'go-bridge', plugins }
}

async function prepare(host: AzureHost) {
  await setBridgeNetfilter(host, false)
  const runner = new CniRunner({ host, cniPath: PLUGINS, conflist: list(host) })
  const ports = (['tcp', 'udp'] as const).map((protocol) => ({
    ...{ protocol, hostPort: 9002, containerPort: ECHO },
  }))
  const netns = await host.addPodNetns('go')
  const result = await runner.add('go', netns, 'eth0', { portMappings: ports })
  const address = result.ips?.[0]?.address.split('/')[0] ?? 'no address'
  const web: OtherContainer = { name: 'go-web', netns, address, ports }
  const comesAndGoes = async () => {
    const passing = await host.addPodNetns('go-passing')
    await runner.add('go-passing', passing)
    await runner.del('go-passing', passing)
    await host.removePodNetns('go-passing')
  }
  const events = [{ name: 'ADD and DEL of the other plug-ins', run: comesAndGoes }]
  return { others: [web], events }
}

/** A network of the reference plug-ins beside ours. */
export const goBridge: HostKind = {
  name: 'go-bridge',
  title: 'a container of the Go bridge and portmap plug-ins',
  packages: ['containernetworking-plugins', 'iptables'],
  options: {},
  prepare,
}
