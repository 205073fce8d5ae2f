/** Forwarding tables, VLANs and ports, as `bridge` and as verbs. Index 13 is the VXLAN x0. */
import type { Case } from './case.js'

const MAC = '02:00:00:00:00:07'
const FLOOD = '00:00:00:00:00:00'

export const bridgeCases: readonly Case[] = [
  {
    line: `fdb add ${MAC} dev v0 master static`,
    make: (p) => p.fdb.add({ link: 11, mac: MAC, state: 'static' }),
  },
  {
    line: `fdb replace ${MAC} dev v0 master static vlan 1 sticky`,
    make: (p) =>
      p.fdb.replace({ link: 11, mac: MAC, state: 'static', vlan: 1, sticky: true }),
  },
  {
    line: `fdb add ${MAC} dev v0 master dynamic`,
    make: (p) => p.fdb.add({ link: 11, mac: MAC, state: 'dynamic' }),
  },
  {
    line: `fdb append ${FLOOD} dev x0 self permanent dst 192.0.2.9 port 4790 vni 8`,
    make: (p) =>
      p.fdb.append({
        link: 13,
        mac: FLOOD,
        table: 'self',
        remote: '192.0.2.9',
        port: 4790,
        vni: 8,
      }),
  },
  {
    line: `fdb append ${FLOOD} dev x0 self permanent dst 2001:db8::9`,
    make: (p) =>
      p.fdb.append({ link: 13, mac: FLOOD, table: 'self', remote: '2001:db8::9' }),
  },
  {
    line: `fdb del ${MAC} dev v0 master vlan 1`,
    make: (p) => p.fdb.del({ link: 11, mac: MAC, vlan: 1 }),
  },
  {
    line: 'vlan add vid 5 dev v0 pvid untagged master',
    make: (p) => p.bridgePort.addVlan(11, { id: 5, pvid: true, untagged: true }),
  },
  {
    line: 'vlan add vid 10-20 dev v0 master',
    make: (p) => p.bridgePort.addVlan(11, { id: 10, to: 20 }),
  },
  {
    line: 'vlan add vid 30 dev br0 self',
    make: (p) => p.bridgePort.addVlan(10, { id: 30, self: true }),
  },
  {
    line: 'vlan del vid 10-20 dev v0 master',
    make: (p) => p.bridgePort.delVlan(11, { id: 10, to: 20 }),
  },
  {
    line: 'link set dev v0 hairpin on isolated on learning off flood off mcast_flood off bcast_flood off mcast_to_unicast on guard on root_block on fastleave on neigh_suppress on vlan_tunnel on locked on state 3 priority 10 cost 100 mcast_router 2',
    make: (p) =>
      p.bridgePort.set(11, {
        hairpin: true,
        isolated: true,
        learning: false,
        flood: false,
        multicastFlood: false,
        broadcastFlood: false,
        multicastToUnicast: true,
        guard: true,
        rootBlock: true,
        fastLeave: true,
        neighbourSuppress: true,
        vlanTunnel: true,
        locked: true,
        state: 3,
        priority: 10,
        cost: 100,
        multicastRouter: 2,
      }),
  },
]
