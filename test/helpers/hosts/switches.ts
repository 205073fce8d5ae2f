import type { AzureHost } from '../azure-host.js'
import { CommandError } from '../process.js'

/** Sets switches of the VM's kernel, such as `net.ipv4.ip_forward`. */
export async function setSwitches(
  vm: AzureHost,
  values: Readonly<Record<string, number>>,
): Promise<void> {
  const words = Object.entries(values).map(([name, value]) => `${name}=${value}`)
  const outcome = await vm.exec('sysctl', ['-q', '-w', ...words])
  if (outcome.code !== 0) throw new CommandError(`sysctl ${words.join(' ')}`, outcome)
}

/**
 * Whether bridged packets pass through the IPv4 chains of the VM. They do once br_netfilter is
 * loaded, which a fresh VM has not; a new namespace has it switched on.
 */
export function setBridgeNetfilter(vm: AzureHost, on: boolean): Promise<void> {
  return setSwitches(vm, { 'net.bridge.bridge-nf-call-iptables': Number(on) })
}
