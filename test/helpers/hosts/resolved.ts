import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'
import { startBus } from './bus.js'
import { addPackages } from './debian.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const NAME = 'somebody.example'
const START = '/lib/systemd/systemd-resolved'
// What the package's own script does when it is installed.
const SET_UP = `
  grep -q ^systemd-resolve: /etc/passwd ||
    echo systemd-resolve:x:991:991::/:/usr/sbin/nologin >> /etc/passwd
  grep -q ^systemd-resolve: /etc/group || echo systemd-resolve:x:991: >> /etc/group
  echo nameserver 127.0.0.53 > /etc/resolv.conf
  mkdir -p /run/systemd`

/** The server of eth0 is told as systemd-networkd tells it. */
const serverOf = (link: string) => ['dns', link, ADDRESS.wireserver]

async function start(space: PrivateSpace): Promise<void> {
  await space.must('sh', ['-ec', SET_UP])
  space.start('resolved', START)
  const answers = () => space.run('resolvectl', ['status'])
  await until('systemd-resolved', async () => (await answers()).code === 0)
  await space.must('resolvectl', serverOf('eth0'))
  await space.must('resolvectl', ['domain', 'eth0', '~.'])
}

async function prepare(vm: AzureHost, space: PrivateSpace): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  await addPackages(space, ['systemd-resolved'])
  await startBus(space)
  await start(space)
  const ask = async () => {
    await space.run('resolvectl', ['flush-caches'])
    const told = await space.run('timeout', ['8', 'getent', 'ahostsv4', NAME])
    if (!told.stdout.startsWith(`${ADDRESS.internet} `))
      throw new Error(`no answer from 127.0.0.53: ${told.stdout}${told.stderr}`)
  }
  return {
    checks: [{ name: 'host asks 127.0.0.53', cell: 'DNS', run: ask }],
    networks: [{ hostPort: 53 }],
  }
}

/** The host asks systemd-resolved, whose server belongs to eth0; a pod has port 53. */
export const resolved: HostKind = {
  name: 'resolved',
  title: 'systemd-resolved on 127.0.0.53 with eth0’s server; a pod publishes port 53',
  packages: ['dbus-daemon'],
  options: {},
  prepare,
}
