import { randomUUID } from 'node:crypto'
import { NetNs } from '../../../dist/esm/index.js'
import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'
import { startBus } from './bus.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const START = '/lib/systemd/systemd-resolved'
// What the package's own script does when it is installed.
const SET_UP = `
  grep -q ^systemd-resolve: /etc/passwd ||
    echo systemd-resolve:x:991:991::/:/usr/sbin/nologin >> /etc/passwd
  grep -q ^systemd-resolve: /etc/group || echo systemd-resolve:x:991: >> /etc/group
  echo nameserver 127.0.0.53 > /etc/resolv.conf
  mkdir -p /run/systemd`

// Where systemd-networkd says what it knows of a link: the server that came with its lease.
const LINK = `ADMIN_STATE=configured
OPER_STATE=routable
REQUIRED_FOR_ONLINE=yes
DNS=${ADDRESS.wireserver}
ROUTE_DOMAINS=.
`

async function start(vm: AzureHost, space: PrivateSpace): Promise<void> {
  using namespace = NetNs.open(vm.netnsPath)
  const nic = (await namespace.link.dump()).find(({ name }) => name === 'eth0')
  await space.write(`/run/systemd/netif/links/${nic!.index}`, LINK)
  await space.must('sh', ['-ec', SET_UP])
  space.start('resolved', START)
  const answers = () => space.run('resolvectl', ['status'])
  await until('systemd-resolved', async () => (await answers()).code === 0)
}

async function prepare(vm: AzureHost, space: PrivateSpace): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  await startBus(space)
  await start(vm, space)
  const ask = async () => {
    // Another name each time: a question that was not answered goes on being asked for a while.
    const name = `${randomUUID()}.example`
    const told = await space.run('timeout', ['8', 'getent', 'ahostsv4', name])
    if (!told.stdout.startsWith(`${ADDRESS.internet} `))
      throw new Error(`no answer from 127.0.0.53: ${told.stdout}${told.stderr}`)
  }
  return {
    checks: [{ name: 'host asks 127.0.0.53', cell: 'DNS', run: ask }],
  }
}

const unpacked = ['systemd-resolved']

/** The host asks systemd-resolved, whose server belongs to eth0. */
export const resolved: HostKind = {
  name: 'resolved',
  title: 'systemd-resolved on 127.0.0.53, with the server of eth0',
  packages: ['dbus-daemon'],
  unpacked,
  options: {},
  prepare,
}

/** The same, and a pod publishes the port that it listens on. */
export const resolvedPort53: HostKind = {
  name: 'resolved-port-53',
  title: 'the same, and a pod publishes port 53',
  packages: resolved.packages,
  unpacked,
  options: {},
  prepare: async (vm, space) => ({
    ...(await prepare(vm, space)),
    networks: [{ hostPort: 53 }],
  }),
}
