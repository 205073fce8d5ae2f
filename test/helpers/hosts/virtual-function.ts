import type { AzureHost } from '../azure-host.js'
import { must } from '../process.js'
import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

/**
 * Accelerated networking gives a VM a second link with the MAC of its NIC. While it is not enslaved
 * (at start, or bound to another driver) it is a link of its own; a veth plays it here. One that is
 * enslaved needs a NIC that is more than a veth: unit tests have that.
 */
export const virtualFunction: HostKind = {
  name: 'virtual-function',
  title: 'a virtual function with the NIC’s MAC, not enslaved',
  packages: [],
  options: {},
  prepare: async (vm: AzureHost) => {
    await setBridgeNetfilter(vm, false)
    const { vm: ns, fabric } = vm.names
    const pair = ['name', 'enP1s1', 'address', vm.nic.mac, 'type', 'veth']
    const peer = ['peer', 'name', 'vf0', 'netns', fabric]
    await must('ip', ['-n', ns, 'link', 'add', ...pair, ...peer])
    await must('ip', ['-n', ns, 'link', 'set', 'enP1s1', 'up'])
    await must('ip', ['-n', fabric, 'link', 'set', 'vf0', 'up'])
    return {}
  },
}
