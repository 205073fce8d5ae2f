/**
 * Whether a container can be attached, and whether those that are attached have their network. Takes
 * no lock, asks no source, starts nothing.
 */
import { CniCode } from '../cni/spec/errors.js'
import type { HostNic, IpamSnapshot } from '../ipam/index.js'
import type { NetNs } from '../netlink/index.js'
import { modeOf, nicsWithAddresses, readFacts, type HostFacts } from '../vnet/index.js'
import type { Engine } from './engine.js'
import { isWhole } from './networks.js'
import type { NodeState } from './records.js'
import { viewOf } from './state.js'

/** What a door asks about. */
export interface StatusRequest {
  /** Name of the NIC that the network is to use; any when absent. */
  readonly master?: string | undefined
  /** The pools of the host's NICs, as they are known; undefined when another IPAM has them. */
  pools(nics: readonly HostNic[]): IpamSnapshot | undefined
}

/** Something that is wrong. */
export interface Problem {
  /**
   * CniCode.NotAvailable: no container can be attached; CniCode.LimitedConnectivity: containers that
   * are attached suffer too (CNI specification, section 3, STATUS).
   */
  readonly code: typeof CniCode.NotAvailable | typeof CniCode.LimitedConnectivity
  /** What is wrong, with the numbers. */
  readonly message: string
  readonly cure: string
}

/**
 * Looks at the host and at what is on record.
 *
 * @returns what is wrong; empty when a container can be attached
 * @throws NetlinkError, SyscallError, StateError when it cannot be looked at
 */
export function status(engine: Engine, request: StatusRequest): Problem[] {
  const state = engine.store.read()
  const facts = readFacts(engine.kernel)
  const nics = nicsWithAddresses(facts)
  const usable = nics.filter(({ name }) => name === (request.master ?? name))
  return [
    ...damagedNetworks(engine, state),
    ...cutOffNetworks(engine, state, facts),
    ...(usable.length === 0 ? [noNic(request.master)] : []),
    ...exhausted(request.pools(usable)),
  ]
}

// Where pods hang on it, they have no network; where none does, the next ADD mends it.
function damagedNetworks({ kernel }: Engine, state: NodeState): Problem[] {
  const view = viewOf(state)
  return view.networks
    .filter((network) => {
      const pods = view.podsOn(network.name)
      return pods.length > 0 && !isWhole(kernel, network)
    })
    .map(({ name, nic }) => ({
      code: CniCode.LimitedConnectivity,
      message:
        `host network ${name} over ${nic} is not as it should be, and ` +
        `${view.podsOn(name).length} containers are on it`,
      cure: 'Call "vnet-cni repair"; the next ADD mends it too.',
    }))
}

// Where bridged packets pass the host's chains, what drops them cuts all containers off.
function cutOffNetworks(
  { kernel }: Engine,
  state: NodeState,
  { links }: HostFacts,
): Problem[] {
  const view = viewOf(state)
  const used = view.networks.filter(({ name }) => view.podsOn(name).length > 0)
  if (used.length === 0 || !seesBridged(kernel)) return []
  return used.flatMap(({ mode, name, nic }) => {
    const link = links.find((one) => one.name === nic)
    const findings = link ? modeOf(mode).findings(kernel, name, link) : []
    return findings
      .filter(({ certain, cutsOff }) => certain && cutsOff)
      .map(({ message, cure }) => ({
        code: CniCode.LimitedConnectivity,
        message,
        cure,
      }))
  })
}

function seesBridged(kernel: NetNs): boolean {
  const plan = kernel.plan()
  const name = 'net/bridge/bridge-nf-call-iptables'
  const value = plan.sysctl.get(name, { optional: true })
  return plan.runSync().of(value) === '1'
}

function noNic(master: string | undefined): Problem {
  return {
    code: CniCode.NotAvailable,
    message:
      master === undefined
        ? 'the host has no network interface that can carry containers'
        : `master: the host has no interface ${master}`,
    cure: 'Look at "ip link"; a virtual machine needs its NIC in this network namespace.',
  }
}

/** Whether the pools, as they are known, have no address to give. */
export function exhausted(known: IpamSnapshot | undefined): Problem[] {
  // Before the first ADD nobody has asked the source.
  if (!known || known.fetchedAt === 0) return []
  const { pools, failedAt } = known
  if (pools.some(({ free }) => free > 0)) return []
  const numbers = pools.map(
    ({ prefix, nic, total, used }) => `${prefix} on ${nic}: ${used} of ${total} in use`,
  )
  const refused = failedAt > 0 ? '; the source of addresses has not answered since' : ''
  return [
    {
      code: CniCode.NotAvailable,
      message:
        (pools.length === 0
          ? 'no pool of addresses belongs to a NIC of this host'
          : `no address is free (${numbers.join('; ')})`) + refused,
      cure: 'Give the NIC more secondary ip-configs, or take containers away.',
    },
  ]
}
