import type { AzureHost } from '../azure-host.js'
import { must } from '../process.js'
import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

/** Both ends of the wire, as the platform does it. */
async function setMtu(vm: AzureHost, mtu: number): Promise<void> {
  const link = (name: string) => ['link', 'set', name, 'mtu', String(mtu)]
  await must('ip', ['-n', vm.names.fabric, ...link('vm0')])
  await must('ip', ['-n', vm.names.vm, ...link('eth0')])
}

function kind(name: string, mtu: number, title: string, later?: number): HostKind {
  return {
    ...{ name, title, packages: [], options: {} },
    prepare: async (vm) => {
      await setBridgeNetfilter(vm, false)
      await setMtu(vm, mtu)
      if (later === undefined) return {}
      const change = () => setMtu(vm, later)
      return {
        events: [{ name: `the MTU becomes ${later}`, run: change, lasting: true }],
      }
    },
  }
}

/** Less than Ethernet carries. */
export const smallMtu = kind('small-mtu', 1280, 'MTU 1280')
/** What Azure's newer NICs carry. */
export const largeMtu = kind('large-mtu', 3900, 'MTU 3900')
/** Changed while pods are there. */
export const changedMtu = kind('changed-mtu', 1500, 'MTU 1500, 1400 later on', 1400)
