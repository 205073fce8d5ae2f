import { SECOND, SUBNET } from '../fabric.js'
import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

/** Two NICs in two subnets, each with a network for pods. */
export const twoNics: HostKind = {
  name: 'two-nics',
  title: 'two NICs in two subnets, a network for pods on each',
  packages: [],
  options: { secondNicPods: 8 },
  prepare: async (vm) => {
    await setBridgeNetfilter(vm, false)
    return {
      addresses: [SECOND.primary],
      networks: [
        { name: 'azure', ipam: { subnet: SUBNET } },
        {
          name: 'azure-second',
          vnet: { bridge: 'azure1' },
          ipam: { subnet: SECOND.subnet },
        },
      ],
    }
  },
}
