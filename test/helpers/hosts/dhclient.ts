import type { AzureHost } from '../azure-host.js'
import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'
import { addPackages } from './debian.js'
import { clearNic, isOnline, startDhcpServer } from './dhcp-server.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const CLIENT = '/sbin/dhclient'

async function lease(vm: AzureHost, space: PrivateSpace): Promise<void> {
  await space.must(CLIENT, ['-4', '-1', '-pf', '/run/dhclient.pid', 'eth0'])
  await until('the address of eth0', () => isOnline(vm))
}

async function prepare(vm: AzureHost, space: PrivateSpace): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  await addPackages(space, ['isc-dhcp-client'])
  await startDhcpServer(vm)
  await space.must('mkdir', ['-p', '/var/lib/dhcp'])
  await clearNic(vm)
  await lease(vm, space)
  // Its script gives the NIC the address again, with the lifetime of the new lease.
  const renew = async () => {
    await space.must('sh', ['-c', 'kill "$(cat /run/dhclient.pid)"'])
    await lease(vm, space)
  }
  return { events: [{ name: 'dhclient renews its lease', run: renew }] }
}

/** Debian's client of ifupdown. */
export const dhclient: HostKind = {
  name: 'dhclient',
  title: 'dhclient: a lease of an hour, renewed on eth0',
  packages: ['busybox-static'],
  options: {},
  prepare,
}
