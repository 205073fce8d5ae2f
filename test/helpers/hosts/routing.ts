import type { AzureHost } from '../azure-host.js'
import { ADDRESS } from '../fabric.js'
import { must } from '../process.js'
import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter } from './switches.js'

async function ip(vm: AzureHost, lines: readonly string[]): Promise<void> {
  const batch = ['netns', 'exec', vm.names.vm, 'ip', '-batch', '-']
  await must('ip', batch, { input: lines.map((line) => `${line}\n`).join('') })
}

function kind(name: string, title: string, lines: readonly string[]): HostKind {
  return {
    ...{ name, title, packages: [], options: {} },
    prepare: async (vm) => {
      await setBridgeNetfilter(vm, false)
      await ip(vm, lines)
      return {}
    },
  }
}

const BY = `via ${ADDRESS.gateway} dev eth0`

/** Rules that choose a table by the source address. */
export const rulesFrom = kind('rules-from', 'a routing table by source address', [
  `route add default ${BY} table 200`,
  `route add 10.0.0.0/24 dev eth0 table 200`,
  `rule add from ${ADDRESS.primary} lookup 200 priority 200`,
])

/** Rules that name the NIC. */
export const rulesByLink = kind('rules-by-link', 'ip rules with iif eth0 and oif eth0', [
  `route add ${ADDRESS.peeredVm} ${BY} table 201`,
  `rule add oif eth0 lookup 201 priority 201`,
  `rule add iif eth0 lookup 201 priority 202`,
])

/** Routes by objects of their own. */
export const nextHops = kind('next-hops', 'the default route by a next-hop object', [
  `route del default`,
  `nexthop add id 10 via ${ADDRESS.gateway} dev eth0`,
  `route add default nhid 10 metric 100`,
])

/** A permanent neighbour entry for the gateway. */
export const staticArp = kind('static-arp', 'static ARP for the gateway on eth0', [
  `neigh replace ${ADDRESS.gateway} lladdr 12:34:56:78:9a:bc dev eth0 nud permanent`,
])
