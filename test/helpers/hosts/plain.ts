import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

/** A fresh VM, with nothing on it but what the platform gives. */
export const plain: HostKind = {
  name: 'plain',
  title: 'a fresh VM',
  packages: [],
  options: {},
  prepare: async (vm) => {
    await setBridgeNetfilter(vm, false)
    return {}
  },
}
