import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'
import { startBus } from './bus.js'
import { clearNic, isOnline, startDhcpServer } from './dhcp-server.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

// The simulated VM has no udev; on a /sys that is only for reading, systemd does without.
const SET_UP = `
  mount -t sysfs -o ro sysfs /sys
  grep -q ^systemd-network: /etc/passwd ||
    echo systemd-network:x:998:998::/:/usr/sbin/nologin >> /etc/passwd
  grep -q ^systemd-network: /etc/group || echo systemd-network:x:998: >> /etc/group
  mkdir -p /run/systemd/netif
  chown systemd-network:systemd-network /run/systemd/netif`

function start(space: PrivateSpace): void {
  space.start('networkd', '/lib/systemd/systemd-networkd')
}

/** Waits until the daemon answers, and knows the NIC. */
async function ready(space: PrivateSpace): Promise<void> {
  await until('systemd-networkd', async () => {
    const { code, stdout } = await space.run('networkctl', ['--no-pager', 'list'])
    return code === 0 && /eth0.*(configured|unmanaged)/.test(stdout)
  })
}

async function restart(space: PrivateSpace): Promise<void> {
  await space.signal('networkd', 'TERM')
  const gone = async () =>
    (await space.run('pgrep', ['-x', 'systemd-network'])).code !== 0
  await until('the end of systemd-networkd', gone)
  start(space)
  await ready(space)
}

async function prepare(
  vm: AzureHost,
  space: PrivateSpace,
  network: readonly string[],
): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  await space.must('sh', ['-ec', SET_UP])
  await startDhcpServer(vm)
  const lines = ['[Match]', 'Name=eth0', '[Network]', ...network, '']
  await space.write('/etc/systemd/network/10-eth0.network', lines.join('\n'))
  await startBus(space)
  await clearNic(vm)
  start(space)
  await until('the address of eth0', () => isOnline(vm))
  await ready(space)
  const tell = (...args: string[]) => space.must('networkctl', args)
  return {
    events: [
      { name: 'systemd-networkd restarts', run: () => restart(space) },
      { name: 'networkctl reload', run: () => tell('reload') },
      { name: 'networkctl reconfigure', run: () => tell('reconfigure', 'eth0') },
    ],
  }
}

function kind(name: string, title: string, network: readonly string[]): HostKind {
  return {
    ...{ name, title, packages: ['dbus-daemon', 'busybox-static'], options: {} },
    prepare: (vm, space) => prepare(vm, space, network),
  }
}

/** The manager of Ubuntu's and Debian's cloud images, with a lease. */
export const networkd = kind('networkd', 'systemd-networkd, address by DHCP', [
  'DHCP=ipv4',
])

/** The same with what netplan writes for a static address. */
export const networkdStatic = kind(
  'networkd-static',
  'systemd-networkd, address as netplan has it static',
  [`Address=${ADDRESS.primary}/24`, `Gateway=${ADDRESS.gateway}`],
)
