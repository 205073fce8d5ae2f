import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'
import { startBus } from './bus.js'
import { addPackages } from './debian.js'
import { clearNic, isOnline } from './dhcp-server.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

/** The package, and the libraries that come with it. */
const PACKAGES = [
  ...['network-manager', 'libnm0', 'libndp0', 'libteamdctl0', 'libnewt0.52'],
  ...['libmm-glib0', 'libbluetooth3'],
]

const SETTINGS = `[main]
plugins=keyfile
dns=none
rc-manager=unmanaged
`
const CONNECTION = `[connection]
id=eth0
uuid=a3c4e1f2-0000-4000-8000-000000000001
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=${ADDRESS.primary}/24,${ADDRESS.gateway}
[ipv6]
method=link-local
`
const FILE = '/etc/NetworkManager/system-connections/eth0.nmconnection'

function start(space: PrivateSpace): void {
  space.start('network-manager', 'NetworkManager', ['--no-daemon'])
}

async function ready(space: PrivateSpace): Promise<void> {
  await until('NetworkManager', async () => {
    const { stdout } = await space.run('nmcli', ['-t', '-f', 'DEVICE,STATE', 'device'])
    return /^eth0:(connected|unmanaged)/m.test(stdout)
  })
}

async function restart(space: PrivateSpace): Promise<void> {
  await space.signal('network-manager', 'TERM')
  const gone = async () => (await space.run('pgrep', ['-x', 'NetworkManager'])).code !== 0
  await until('the end of NetworkManager', gone)
  start(space)
  await ready(space)
}

async function prepare(vm: AzureHost, space: PrivateSpace): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  await addPackages(space, PACKAGES)
  // There is no udev; where /sys is only for reading, it is not waited for.
  await space.must('mount', ['-t', 'sysfs', '-o', 'ro', 'sysfs', '/sys'])
  await space.write('/etc/NetworkManager/conf.d/zoo.conf', SETTINGS)
  await space.write(FILE, CONNECTION)
  await space.must('chmod', ['600', FILE])
  await startBus(space)
  await clearNic(vm)
  start(space)
  await ready(space)
  await until('the address of eth0', () => isOnline(vm))
  return {
    events: [
      { name: 'NetworkManager restarts', run: () => restart(space) },
      {
        name: 'nmcli general reload',
        run: () => space.must('nmcli', ['general', 'reload']),
      },
    ],
  }
}

/** The manager of the RHEL family: `noprefixroute`, and prefix routes of its own. */
export const networkManager: HostKind = {
  name: 'network-manager',
  title: 'NetworkManager: noprefixroute addresses, its own prefix routes',
  packages: ['dbus-daemon'],
  options: {},
  prepare,
}
