import type { AzureHost } from '../azure-host.js'
import { Docker } from '../docker.js'
import type { PrivateSpace } from '../private-space.js'
import { ECHO } from './crowd.js'
import type { HostKind, OtherContainer, PreparedHost } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const NAME = 'docker-web'
const HOST_PORT = 9000

/** A container on Docker's own bridge, with a port published by TCP and UDP. */
async function container(docker: Docker): Promise<OtherContainer> {
  const ports = (['tcp', 'udp'] as const).map((protocol) => ({
    ...{ protocol, hostPort: HOST_PORT, containerPort: ECHO },
  }))
  const publish = ports.flatMap(({ protocol }) => [
    ...['-p', `${HOST_PORT}:${ECHO}/${protocol}`],
  ])
  await docker.must('run', '-d', '--name', NAME, ...publish, 'busybox', 'sleep', '99999')
  const format = '{{.NetworkSettings.SandboxKey}} {{.NetworkSettings.IPAddress}}'
  const told = await docker.must('inspect', '-f', format, NAME)
  const [sandbox = '', address = ''] = told.trim().split(' ')
  return { name: NAME, netns: docker.space.outside(sandbox), address, ports }
}

async function prepare(vm: AzureHost, space: PrivateSpace, bridgeNetfilter: boolean) {
  await setBridgeNetfilter(vm, bridgeNetfilter)
  const docker = await Docker.create(space, { network: true, liveRestore: true })
  const prepared: PreparedHost = {
    others: [await container(docker)],
    events: [
      {
        name: 'restart of dockerd',
        run: async () => {
          await docker.stop()
          await docker.start()
        },
      },
    ],
    notes: [`DOCKER_HOST=${docker.env.DOCKER_HOST} docker ps`],
  }
  return prepared
}

const packages = ['docker.io', 'containerd', 'runc']

/** dockerd as it is installed: its bridge, its rules, FORWARD DROP. */
export const docker: HostKind = {
  name: 'docker',
  title: 'dockerd as installed (FORWARD DROP), a container on docker0',
  packages,
  options: {},
  prepare: (vm, space) => prepare(vm, space, false),
}

/** The same, with bridged packets in the IPv4 chains. */
export const dockerBridgeNetfilter: HostKind = {
  name: 'docker-br-netfilter',
  title: 'the same with br_netfilter (bridge-nf-call-iptables 1)',
  packages,
  options: {},
  prepare: (vm, space) => prepare(vm, space, true),
}
