import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'

/**
 * Starts a DHCP server in the fabric, which leases the VM its primary address for an hour. Who asks
 * for the first time has no address yet: such frames pass the fabric's guard from then on.
 */
export async function startDhcpServer(vm: AzureHost): Promise<void> {
  const file = join(vm.folder, 'udhcpd.conf')
  const lines = [
    'interface vm0',
    `start ${ADDRESS.primary}`,
    `end ${ADDRESS.primary}`,
    `static_lease ${vm.nic.mac} ${ADDRESS.primary}`,
    `lease_file ${join(vm.folder, 'udhcpd.leases')}`,
    `pidfile ${join(vm.folder, 'udhcpd.pid')}`,
    'option subnet 255.255.255.0',
    `option router ${ADDRESS.gateway}`,
    `option dns ${ADDRESS.wireserver}`,
    'option lease 3600',
  ]
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  const element = ['add', 'element', 'netdev', 'guard', 'allowed_vm0', '{ 0.0.0.0 }']
  const { code, stderr } = await vm.execFabric('nft', element)
  if (code !== 0) throw new Error(stderr)
  vm.start('fabric', 'busybox', ['udhcpd', '-f', file])
}

/** Takes what the simulated VM has from the start from its NIC: its manager is to set it. */
export async function clearNic(vm: AzureHost): Promise<void> {
  for (const what of [
    ['-4', 'address', 'flush', 'dev', 'eth0'],
    ['-4', 'route', 'flush', 'dev', 'eth0'],
  ]) {
    const { code, stderr } = await vm.exec('ip', what)
    if (code !== 0) throw new Error(stderr)
  }
}

/** Whether the VM has its primary address and a default route. */
export async function isOnline(vm: AzureHost): Promise<boolean> {
  const { stdout: addresses } = await vm.exec('ip', ['-4', '-o', 'address'])
  const { stdout: routes } = await vm.exec('ip', ['-4', 'route'])
  return addresses.includes(`${ADDRESS.primary}/`) && /^default /m.test(routes)
}
