import { readFileSync } from 'node:fs'
import type { AzureHost } from '../azure-host.js'
import { Podman } from '../podman.js'
import type { PrivateSpace } from '../private-space.js'
import { ECHO } from './crowd.js'
import type { HostKind, OtherContainer } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const NAME = 'podman-web'
const HOST_PORT = 9001
/** Debian's own list: bridge, portmap, firewall and tuning of the reference plug-ins. */
const DEFAULT = '87-podman-bridge.conflist'

/** A container of podman's default network, with a port published by TCP and UDP. */
async function container(podman: Podman): Promise<OtherContainer> {
  const ports = (['tcp', 'udp'] as const).map((protocol) => ({
    ...{ protocol, hostPort: HOST_PORT, containerPort: ECHO },
  }))
  const publish = ports.map(({ protocol }) => `${HOST_PORT}:${ECHO}/${protocol}`)
  await podman.run({ name: NAME, network: 'podman', ports: publish })
  const format = '{{.NetworkSettings.SandboxKey}} {{.NetworkSettings.IPAddress}}'
  const told = await podman.must('inspect', '-f', format, NAME)
  const [sandbox = '', address = ''] = told.trim().split(' ')
  return { name: NAME, netns: podman.space.outside(sandbox), address, ports }
}

async function prepare(vm: AzureHost, space: PrivateSpace) {
  await setBridgeNetfilter(vm, false)
  const list = readFileSync(`/etc/cni/net.d/${DEFAULT}`, 'utf8')
  const networks = { [DEFAULT]: list }
  const podman = await Podman.create({
    ...{ host: vm, space, cniPath: '/usr/lib/cni', networks },
  })
  return { others: [await container(podman)] }
}

/** podman 4 with its default network, which the reference plug-ins make. */
export const podmanBridge: HostKind = {
  name: 'podman',
  title: 'a container on podman’s own bridge network',
  packages: ['podman', 'runc', 'conmon', 'containernetworking-plugins', 'iptables'],
  options: {},
  prepare,
}
