/**
 * The nft table of bridge mode: it translates between the pods' MACs and the one MAC that the
 * fabric knows, with one map element a pod.
 *
 * The fabric delivers a frame for any of the node's addresses to the NIC's MAC, and drops what
 * carries another source. Towards the NIC, every frame gets its MAC as source; from the NIC, a
 * frame for a pod's address gets the pod's MAC.
 */
import { HOST_LINK_PREFIX } from '../../cni/spec/owner.js'
import { macBytes } from '../../ip/index.js'
import {
  eq,
  field,
  ifname,
  mapLookup,
  neq,
  store,
  storeFrom,
  Transaction,
  verdict,
  type Expr,
  type FieldDef,
  type TableRef,
} from '../../nft/index.js'
import {
  bridgeTable,
  endpointsMap,
  HOST_TAG,
  toElement,
  type TableEndpoint,
} from './endpoint-map.js'
import { flowSet, fragmentSet, hostFlowRules } from './host-flows.js'
import { guardRules } from './guard.js'
import {
  addPortElements,
  portElements,
  portSets,
  portsSet,
  type PodPort,
  type PortElements,
} from './ports.js'
import {
  ARP_REQUEST,
  CHAINS,
  ETHERTYPE_ARP,
  ETHERTYPE_IP,
  NO_ADDRESS,
  TO_THIS_HOST,
  type BridgeTableSpec,
  type Rule,
} from './table-rules.js'
import { addNetworks, toNetwork } from '../masquerade.js'

export type { BridgeTableSpec }

const ARP_REPLY = Uint8Array.of(0, 2)

function translationRules(spec: BridgeTableSpec): Rule[] {
  const nic = ifname(spec.nic)
  const mac = macBytes(spec.mac)
  const map = endpointsMap(spec.bridge).name
  const toOwner = (address: FieldDef) => [
    ...mapLookup([address], map),
    storeFrom(field.etherDestination),
  ]
  const arp = eq(field.protocol, ETHERTYPE_ARP)
  return [
    {
      chain: 'prerouting',
      comment: 'an ARP request for an address of this node goes to its owner alone',
      // A request from 0.0.0.0 asks whether anybody else has the address: it must not come back
      // to the asker by the hairpin.
      expressions: [
        ...arp,
        ...eq(field.arpOperation, ARP_REQUEST),
        ...neq(field.arpSenderIp, NO_ADDRESS),
        ...toOwner(field.arpTargetIp),
      ],
    },
    {
      chain: 'prerouting',
      comment: 'an ARP reply from the fabric goes to the pod that asked',
      expressions: [
        ...eq(field.iifname, nic),
        ...arp,
        ...eq(field.arpOperation, ARP_REPLY),
        ...toOwner(field.arpTargetIp),
      ],
    },
    ...fromInternet(spec, nic, mac),
    {
      chain: 'prerouting',
      comment: 'a packet from the fabric goes to the pod that has the address',
      expressions: [
        ...eq(field.iifname, nic),
        ...eq(field.protocol, ETHERTYPE_IP),
        ...eq(field.etherDestination, mac),
        ...toOwner(field.ipDestination),
      ],
    },
    {
      chain: 'forward',
      comment: 'what came from the fabric does not go back to it',
      // With hairpin on, the bridge would mirror every broadcast of the fabric to it.
      expressions: [
        ...eq(field.iifname, nic),
        ...eq(field.oifname, nic),
        verdict('drop'),
      ],
    },
    {
      chain: 'postrouting',
      comment: 'the fabric knows one MAC: the ARP payload too',
      expressions: [...eq(field.oifname, nic), ...arp, ...store(field.arpSenderMac, mac)],
    },
    {
      chain: 'postrouting',
      comment: 'the fabric knows one MAC',
      expressions: [...eq(field.oifname, nic), ...store(field.etherSource, mac)],
    },
  ]
}

// What comes from the Internet for a masqueraded pod goes through the host, as its reply does:
// conntrack must see both, or it takes the reply for a new flow and masquerades it.
function fromInternet(
  { masqueraded = [] }: BridgeTableSpec,
  nic: Uint8Array,
  mac: Uint8Array,
): Rule[] {
  if (masqueraded.length === 0) return []
  return [
    {
      chain: 'prerouting',
      comment: 'from the fabric: by the rules of the network of the pod',
      expressions: [
        ...eq(field.iifname, nic),
        ...eq(field.protocol, ETHERTYPE_IP),
        ...eq(field.etherDestination, mac),
        ...toNetwork(field.ipDestination),
      ],
    },
  ]
}

function masqueradeRules({ masqueraded = [], nic, mac }: BridgeTableSpec): Rule[] {
  if (masqueraded.length === 0) return []
  const toThisHost = macBytes(mac)
  return [
    {
      chain: 'output',
      comment: 'to a pod: by the rules of its network',
      expressions: [
        ...eq(field.protocol, ETHERTYPE_IP),
        ...neq(field.oifname, ifname(nic)),
        ...toNetwork(field.ipDestination),
      ],
    },
    {
      chain: 'prerouting',
      comment: 'from a pod: by the rules of its network',
      expressions: [
        ...neq(field.iifname, ifname(nic)),
        ...eq(field.protocol, ETHERTYPE_IP),
        ...toNetwork(field.ipSource),
      ],
    },
    {
      chain: 'prerouting',
      comment: 'what the rules of a network have addressed to this host',
      expressions: [
        ...neq(field.iifname, ifname(nic)),
        ...eq(field.etherDestination, toThisHost),
        ...store(field.packetType, TO_THIS_HOST),
      ],
    },
  ]
}

// The chain of a network: a frame comes from one of its pods (by a pod's port), or goes to one (from
// the NIC, or from this host, by no port).
function networkRules({ mac }: BridgeTableSpec, excepted: (address: FieldDef) => Expr[]) {
  // As nft writes `iifname "azv*"`: so many bytes of the name are compared.
  const fromPod = eq(field.iifname, Buffer.from(HOST_LINK_PREFIX))
  const ip = eq(field.protocol, ETHERTYPE_IP)
  return [
    {
      comment: 'a pod reaches the VNet directly',
      expressions: [
        ...fromPod,
        ...ip,
        ...excepted(field.ipDestination),
        verdict('return'),
      ],
    },
    {
      comment: 'traffic to the Internet goes through the host, which masquerades it',
      // The kernel has the packet's type changed in prerouting alone (nft_meta_set_validate in
      // net/netfilter/nft_meta.c), and this chain is called in output too: see masqueradeRules.
      expressions: [
        ...fromPod,
        ...store(field.etherDestination, macBytes(mac)),
        verdict('return'),
      ],
    },
    {
      comment: 'the VNet reaches a pod directly',
      expressions: [...ip, ...excepted(field.ipSource), verdict('return')],
    },
    {
      // In prerouting it goes to the host; in output nothing need be remembered of it, because its
      // reply passes through the host anyway.
      comment: 'what comes from the Internet goes through the host, as its reply does',
      expressions: [verdict('accept')],
    },
  ]
}

/**
 * The transaction that makes the table with all its rules and elements. It begins by taking away
 * a table that is there, so that it serves to rebuild one too: traffic sees the old or the new.
 */
export function makeBridgeTable(
  spec: BridgeTableSpec,
  endpoints: readonly TableEndpoint[],
  ports: readonly PodPort[],
): Transaction {
  const table = bridgeTable(spec.bridge)
  const { family, name } = table
  const map = endpointsMap(spec.bridge)
  // Adding before deleting makes the delete succeed whether or not there was one.
  const tx = new Transaction().addTable(table).deleteTable(table).addTable(table)
  tx.addSet(map)
  for (const set of portSets(spec.bridge)) tx.addSet(set)
  tx.addSet(flowSet(spec.bridge, 'host_flows')).addSet(
    flowSet(spec.bridge, 'ended_flows'),
  )
  tx.addSet(fragmentSet(spec.bridge))
  const { masqueraded = [] } = spec
  if (masqueraded.length > 0) {
    addNetworks(tx, table, masqueraded, (excepted) => networkRules(spec, excepted))
  }
  for (const chain of CHAINS) tx.addChain({ family, table: name, ...chain })
  const rules = [
    ...guardRules(spec),
    ...translationRules(spec),
    ...masqueradeRules(spec),
    ...hostFlowRules(spec),
  ]
  for (const { chain, comment, expressions } of rules) {
    tx.addRule({ family, table: name, chain, comment, expressions })
  }
  const own = spec.hostAddresses.map((address) => ({
    address,
    mac: spec.mac,
    tag: HOST_TAG,
  }))
  tx.addElements(map, [...own, ...endpoints].map(toElement))
  tx.addElements(portsSet(spec.bridge), [{ key: [spec.nic] }])
  return addPortElements(tx, merged(spec.bridge, ports))
}

// One message a set, whatever the number of pods.
function merged(bridge: string, ports: readonly PodPort[]): PortElements[] {
  const all = ports.flatMap((port) => portElements(bridge, port))
  return portSets(bridge).flatMap((set) => {
    const some = all.filter((one) => one.set.name === set.name)
    const elements = some.flatMap((one) => one.elements)
    return elements.length > 0 ? [{ set, elements }] : []
  })
}

/** Adds to a transaction what takes the table away, whether or not it is there. */
export function dropTable(table: TableRef, tx = new Transaction()): Transaction {
  return tx.addTable(table).deleteTable(table)
}
