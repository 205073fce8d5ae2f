import { ADDRESS } from '../fabric.js'
import { must } from '../process.js'
import { clearNic } from './dhcp-server.js'
import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

const LINES = [
  `address add ${ADDRESS.primary}/32 dev eth0`,
  `route add default via ${ADDRESS.gateway} dev eth0 onlink proto static src ${ADDRESS.primary}`,
]

/** As netplan has an address of its own alone, and a gateway that is on the link all the same. */
export const static32: HostKind = {
  name: 'static32',
  title: 'a /32 address and an on-link gateway, as netplan has it',
  packages: [],
  options: {},
  prepare: async (vm) => {
    await setBridgeNetfilter(vm, false)
    await clearNic(vm)
    const batch = ['netns', 'exec', vm.names.vm, 'ip', '-batch', '-']
    await must('ip', batch, { input: LINES.map((line) => `${line}\n`).join('') })
    return {}
  },
}
