/**
 * ADD: an address, the bridge, the pod's wire.
 */
import type { PluginCall } from '../../cni/plugin.js'
import { CniCode, CniError } from '../../cni/errors.js'
import { hostLinkName, ownerKey, ownerTag } from '../../cni/owner.js'
import type { CniResult } from '../../cni/types.js'
import { NetlinkError, SyscallError } from '../../errors.js'
import { NetNs, type Link } from '../../netlink/index.js'
import { tableExists } from '../../nft/index.js'
import { ownProcess } from '../../state/index.js'
import {
  bare,
  bridgeTable,
  MAP_STEP,
  nicByMac,
  planEndpoint,
  podMac,
  primaryNic,
  readFacts,
  type HostFacts,
} from '../../vnet/index.js'
import { nicsWithAddresses } from '../azure-vnet-ipam/service.js'
import { addressesFor, type Addresses, type PodAddress } from './addresses.js'
import { parseVnetConfig, type VnetConfig } from './config.js'
import { establishBridge, newBridgeRecord } from './network.js'
import { abandoned, forgetEndpoint, removeEndpoint } from './removal.js'
import { nodeStore, type BridgeRecord, type EndpointRecord } from './state.js'

/** Addresses that turn out to be in use are passed over, at most so many. */
const ADDRESS_TRIES = 16

/** Everything that the steps of one ADD share. */
interface Job {
  readonly call: PluginCall
  readonly config: VnetConfig
  readonly host: NetNs
  readonly pod: NetNs
  readonly facts: HostFacts
  readonly store: ReturnType<typeof nodeStore>
  readonly addresses: Addresses
}

/** Attaches a pod. Throws CniError, NetlinkError, SyscallError; then nothing is left of it. */
export async function add(call: PluginCall): Promise<CniResult> {
  const config = parseVnetConfig(call.config)
  const host = NetNs.current()
  const pod = openPod(call, host)
  const store = nodeStore((message) => call.log.warn(message))
  const addresses = await addressesFor(call, config)
  refuseExisting(call, pod)
  await mend(call, host, store, addresses)
  const job = { call, config, host, pod, store, addresses, facts: readFacts(host) }
  const exclude: string[] = []
  for (;;) {
    const address = await addresses.acquire(() => nicsWithAddresses(job.facts), exclude)
    try {
      return attach(job, address)
    } catch (error) {
      await undo(job)
      if (!isAddressInUse(error) || exclude.length >= ADDRESS_TRIES) throw error
      call.log.warn('address is in use by an endpoint without a lease', {
        address: address.address,
      })
      exclude.push(bare(address.address))
    }
  }
}

function openPod(call: PluginCall, host: NetNs): NetNs {
  try {
    const pod = NetNs.open(call.netns)
    if (!pod.equals(host)) return pod
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    const why =
      error.code === 'EINVAL'
        ? 'is no network namespace'
        : `cannot be opened: ${error.code}`
    throw new CniError(
      CniCode.InvalidEnvironment,
      `CNI_NETNS: ${call.netns} ${why}`,
      'Give the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net.',
    )
  }
  throw new CniError(
    CniCode.InvalidNetns,
    `CNI_NETNS: ${call.netns} is the namespace of this plug-in itself`,
    'Give the namespace of the container.',
  )
}

function refuseExisting(call: PluginCall, pod: NetNs): void {
  const plan = pod.plan()
  const found = plan.link.read(call.ifname, { optional: true })
  if (!plan.runSync().of(found)) return
  throw new CniError(
    CniCode.InterfaceExists,
    `CNI_IFNAME: the container has an interface ${call.ifname} already`,
    'Choose another name, or call DEL first.',
  )
}

// What an ADD that died left of this network goes first: its address may be the last one free.
async function mend(
  call: PluginCall,
  host: NetNs,
  store: Job['store'],
  addresses: Addresses,
): Promise<void> {
  const state = store.read()
  const own = state.endpoints[ownerKey(call.owner)]
  const left = abandoned(state, call.owner.network).filter((record) => record !== own)
  for (const record of own ? [own, ...left] : left) {
    const { owner } = record
    call.log.warn('cleaning up an ADD that did not end', { owner })
    removeEndpoint(host, state, { owner, bridges: [] })
    await addresses.release(owner)
    forgetEndpoint(host, store, owner)
  }
}

function attach(job: Job, address: PodAddress): CniResult {
  const { call, host, store } = job
  const nic = chooseNic(job, address)
  const bridge = job.config.bridge ?? bridgeName(job.facts, nic)
  const record = intend(job, address, nic, bridge)
  const bridgeLink = readyBridge(job, bridge, wantedMasquerade(job.config, address))
  const plan = host.plan()
  const { outerLink } = planEndpoint(
    plan,
    { ...record, tag: ownerTag(call.owner) },
    {
      pod: job.pod,
      bridgeIndex: bridgeLink.index,
      mtu: nic.mtu,
      gateway: address.gateway,
    },
  )
  const outer = plan.runSync().of(outerLink)
  store.update((state) => {
    const own = state.endpoints[ownerKey(call.owner)]
    if (own) own.phase = 'ready'
  })
  call.log.info('pod attached', { address: address.address, hostLink: record.hostLink })
  return result(job, address, record, bridgeLink, outer?.mac ?? '')
}

// The NIC that was asked for, the one that the source named, or the one whose subnet it is.
function chooseNic(job: Job, address: PodAddress): Link {
  const { facts, config } = job
  const name = config.master ?? address.nic
  const named = facts.links.find((link) => link.name === name)
  if (named) return named
  if (config.master) {
    throw new CniError(
      CniCode.InvalidConfig,
      `master: the host has no interface ${config.master}`,
      'Give the name of the NIC, as "ip link" shows it, or leave "master" out.',
    )
  }
  const carrier = facts.addresses.find((a) => subnetHas(a.address, address.address))
  const link = facts.links.find((candidate) => candidate.index === carrier?.link)
  const nic = link?.kind === 'bridge' ? nicByMac(facts.links, link.mac) : link
  const chosen = nic ?? primaryNic(facts)
  if (chosen) return chosen
  throw new CniError(
    CniCode.UnexpectedHost,
    `no interface of the host carries the subnet of ${address.address}`,
    'Set "master" in the network configuration to the name of the NIC.',
  )
}

function subnetHas(host: string, address: string): boolean {
  const [text = '', length = '32'] = host.split('/')
  if (text.includes(':')) return false
  const network = (ip: string) =>
    Math.floor(
      ip.split('.').reduce((n, part) => n * 256 + Number(part), 0) /
        2 ** (32 - Number(length)),
    )
  return network(text) === network(bare(address))
}

function bridgeName(facts: HostFacts, nic: Link): string {
  return `azure${(primaryNic(facts) ?? nic).index}`
}

function wantedMasquerade(
  config: VnetConfig,
  address: PodAddress,
): BridgeRecord['masquerade'] {
  if (!config.masquerade) return undefined
  return config.masquerade === 'auto' ? { except: [address.pool] } : config.masquerade
}

// Written down before the kernel is touched, so that a DEL or the next ADD finds what a crash
// leaves.
function intend(
  job: Job,
  address: PodAddress,
  nic: Link,
  bridge: string,
): EndpointRecord {
  const { call, store } = job
  const record: EndpointRecord = {
    owner: call.owner,
    bridge,
    hostLink: hostLinkName(call.owner),
    ifname: call.ifname,
    address: address.address,
    mac: podMac(address.address),
    phase: 'adding',
    adder: ownProcess(),
  }
  store.update((state) => {
    state.endpoints[ownerKey(call.owner)] = record
    state.bridges[bridge] ??= newBridgeRecord(
      job.facts,
      nic,
      bridge,
      wantedMasquerade(job.config, address),
    )
  })
  return record
}

/** The bridge, made or mended where that is needed. */
function readyBridge(
  job: Job,
  bridge: string,
  masquerade: BridgeRecord['masquerade'],
): Link {
  const { host, store } = job
  const look = () => {
    const plan = host.plan()
    const link = plan.link.read(bridge, { optional: true })
    const table = tableExists(plan, bridgeTable(bridge))
    const done = plan.runSync()
    return { link: done.of(link), table: done.of(table) }
  }
  const seen = look()
  const record = store.read().bridges[bridge]
  const same = JSON.stringify(record?.masquerade) === JSON.stringify(masquerade)
  if (seen.link && seen.table && record?.phase === 'ready' && same) return seen.link
  store.update((state) => {
    const fresh = state.bridges[bridge]
    if (!fresh) return
    fresh.masquerade = masquerade
    // Another ADD may have done it while this one waited for the lock.
    const now = look()
    const done = now.link && now.table && fresh.phase === 'ready' && same
    if (!done) establishBridge(host, state, fresh)
  })
  const { link } = look()
  if (link) return link
  throw new CniError(
    CniCode.UnexpectedHost,
    `bridge: ${bridge} was taken away by somebody else`,
  )
}

function isAddressInUse(error: unknown): boolean {
  return (
    error instanceof NetlinkError && error.code === 'EEXIST' && error.step === MAP_STEP
  )
}

// The plan has undone itself; what is left is what was written down.
async function undo(job: Job): Promise<void> {
  const { call, addresses } = job
  try {
    await addresses.release(call.owner)
    forgetEndpoint(job.host, job.store, call.owner)
  } catch (error) {
    // The first error is the one to report; the next call mends what this one could not.
    call.log.error('undoing a failed ADD', { error: String(error) })
  }
}

function result(
  job: Job,
  address: PodAddress,
  record: EndpointRecord,
  bridge: Link,
  outerMac: string,
): CniResult {
  const { call, config } = job
  return {
    interfaces: [
      { name: bridge.name, mac: bridge.mac },
      { name: record.hostLink, mac: outerMac },
      { name: record.ifname, mac: record.mac, sandbox: call.netns },
    ],
    ips: [{ address: address.address, gateway: address.gateway, interface: 2 }],
    routes: [{ dst: '0.0.0.0/0', gw: address.gateway }],
    dns: config.dns ?? address.dns ?? {},
  }
}
