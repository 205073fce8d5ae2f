import type { AzureHost } from '../azure-host.js'
import { must } from '../process.js'
import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

async function prepare(vm: AzureHost) {
  await setBridgeNetfilter(vm, false)
  const held = vm.nic.secondaries.map((address) => `addr add ${address}/24 dev eth0\n`)
  const batch = ['netns', 'exec', vm.names.vm, 'ip', '-batch', '-']
  await must('ip', batch, { input: held.join('') })
  return {}
}

/** As cloud-init configures a VM on Azure: every secondary ip-config is an address of eth0. */
export const cloudInit: HostKind = {
  name: 'cloud-init',
  title: 'cloud-init’s default on Azure: eth0 holds every secondary address',
  packages: [],
  options: {},
  prepare,
}

/** The same, where those that give pods their addresses take them from the NIC. */
export const cloudInitTake: HostKind = {
  name: 'cloud-init-take',
  title: 'the same with "hostAddresses": "take"',
  packages: [],
  options: {},
  prepare: async (vm) => ({
    ...(await prepare(vm)),
    networks: [{ ipam: { hostAddresses: 'take' } }],
  }),
}
