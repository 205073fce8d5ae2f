/**
 * ADD: an address, the bridge, the pod's wire.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { CniCode, CniError } from '../../cni/spec/errors.js'
import { hostLinkName, ownerKey, ownerTag } from '../../cni/spec/owner.js'
import type { CniResult } from '../../cni/spec/types.js'
import { NetlinkError } from '../../errors.js'
import { addressOf, defaultRoute, familyOf, macOf } from '../../ip/index.js'
import type { Link, NetNs } from '../../netlink/index.js'
import {
  lazyFacts,
  MAP_OP,
  nicsWithAddresses,
  readFacts,
  planEndpoint,
  type Endpoint,
  type NearFacts,
} from '../../vnet/index.js'
import type { CallId } from '../../host/process-id.js'
import { mark } from '../../trace.js'
import { addressesFor, type Addresses, type PodAddress } from './addresses.js'
import { parseVnetConfig, type VnetConfig } from './config.js'
import { checkMaster, chooseNic, defaultBridge, openPod, refuseExisting } from './host.js'
import { establishBridge, newBridgeRecord } from './network.js'
import { forgetEndpoint, isAbandoned, mend, removeEndpoint, sweepOwn } from './removal.js'
import { nodeStore, type BridgeRecord, type NodeState } from './state.js'

/** Addresses that turn out to be in use are passed over, at most so many. */
const ADDRESS_TRIES = 16

/** Everything that the steps of one ADD share. */
interface Job {
  readonly call: PluginCall
  readonly config: VnetConfig
  readonly host: NetNs
  readonly pod: NetNs
  readonly store: ReturnType<typeof nodeStore>
  readonly addresses: Addresses
}

/** Attaches a pod. Throws CniError, NetlinkError, SyscallError; then nothing is left of it. */
export async function add(call: PluginCall): Promise<CniResult> {
  mark('modules')
  const config = parseVnetConfig(call.config)
  const host = call.host.current()
  const pod = openPod(call, host)
  const store = nodeStore(call.host, (message) => call.log.warn(message))
  const addresses = await addressesFor(call, config)
  const state = store.read()
  const broom = { call, host, store, addresses }
  // The interface may be what an ADD of the same owner left when it died.
  const died = isAbandoned(call.host, state, call.owner)
  if (!died) refuseExisting(call, pod)
  if (state.endpoints[ownerKey(call.owner)]) await sweepOwn(broom)
  await mend(broom, state)
  if (died) refuseExisting(call, pod)
  checkMaster(host, config.master)
  mark('checks')
  const job = { call, config, host, pod, store, addresses }
  const exclude: string[] = []
  for (;;) {
    const bridges = await intend(job)
    // Only now: a bridge that is here stays, because this pod may be about to come to it.
    const facts = lazyFacts(host, Object.values(bridges), config.master)
    mark('intent')
    try {
      const address = await addresses.acquire(() => nicsWithAddresses(facts), exclude)
      mark('address')
      try {
        return await attach(job, facts, bridges, address)
      } catch (error) {
        if (!isAddressInUse(error) || exclude.length >= ADDRESS_TRIES) throw error
        exclude.push(addressOf(address.address))
      }
      call.log.warn('an endpoint without a lease has this address', {
        address: address.address,
      })
      await addresses.release(call.owner)
    } catch (error) {
      await undo(job)
      throw error
    }
  }
}

// Written down before anything is asked for, so that whatever a crash leaves has an owner. Answers
// with the bridges that are on record.
function intend({ call, store }: Job): Promise<NodeState['bridges']> {
  const key = ownerKey(call.owner)
  const adder = call.host.self
  return store.update((state) => {
    const own = state.endpoints[key]
    if (
      own?.phase === 'adding' &&
      !isSame(own.adder, adder) &&
      call.host.isRunning(own.adder)
    ) {
      throw new CniError(
        CniCode.TryAgain,
        `CNI_CONTAINERID: process ${own.adder.pid} is adding ${call.ifname} of this container`,
        'Wait until that call of ADD ends, or end the process and call DEL.',
      )
    }
    state.endpoints[key] = { phase: 'adding', owner: call.owner, adder }
    return state.bridges
  })
}

function isSame(a: CallId, b: CallId): boolean {
  return a.pid === b.pid && a.start === b.start && a.call === b.call
}

async function attach(
  job: Job,
  facts: NearFacts,
  bridges: NodeState['bridges'],
  address: PodAddress,
): Promise<CniResult> {
  const { call, host } = job
  const { owner } = call
  const nic = chooseNic(facts, job.config.master, address)
  const name = job.config.bridge ?? defaultBridge(facts, nic)
  const masquerade = wantedMasquerade(job.config, address)
  const bridge =
    findBridge(facts, bridges[name], nic, masquerade) ??
    (await makeBridge(job, name, nic, masquerade))
  const endpoint = {
    bridge: bridge.name,
    hostLink: hostLinkName(owner),
    ifname: call.ifname,
    address: address.address,
    mac: macOf(address.address),
    tag: ownerTag(owner),
  }
  mark('bridge')
  const plan = host.plan()
  const room = {
    pod: job.pod,
    bridgeIndex: bridge.index,
    mtu: nic.mtu,
    gateway: address.gateway,
  }
  const { outerLink } = planEndpoint(plan, endpoint, room)
  const outer = plan.runSync().of(outerLink)
  mark('kernel')
  await remember(job, endpoint)
  mark('record')
  call.log.info('pod attached', { address: address.address, hostLink: endpoint.hostLink })
  return result(job, address, endpoint, bridge, outer?.mac ?? '')
}

async function remember({ call, host, store }: Job, endpoint: Endpoint): Promise<void> {
  const { owner } = call
  const { bridge, address, mac } = endpoint
  try {
    await store.update((state) => {
      state.endpoints[ownerKey(owner)] = { phase: 'ready', owner, bridge, address, mac }
    })
  } catch (error) {
    // The plan has been carried out and has no undo any more.
    removeEndpoint(host, store.read(), owner, [bridge])
    throw error
  }
}

function wantedMasquerade(
  config: VnetConfig,
  address: PodAddress,
): BridgeRecord['masquerade'] {
  if (!config.masquerade) return undefined
  return config.masquerade === 'auto' ? { except: [address.pool] } : config.masquerade
}

/** The bridge of the record; undefined when it is not as an ADD needs it. */
function findBridge(
  facts: NearFacts,
  record: BridgeRecord | undefined,
  nic: Link,
  masquerade: BridgeRecord['masquerade'],
): Link | undefined {
  const same = JSON.stringify(record?.masquerade) === JSON.stringify(masquerade)
  if (record?.phase !== 'ready' || !same) return undefined
  const bridge = facts.links.find((link) => link.name === record.bridge)
  const beneath = facts.links.find((link) => link.index === nic.index)
  const plugged = bridge && beneath?.master === bridge.index
  return plugged && facts.hasTable(record.bridge) ? bridge : undefined
}

/** The bridge over the NIC, made or mended. */
async function makeBridge(
  job: Job,
  bridge: string,
  nic: Link,
  masquerade: BridgeRecord['masquerade'],
): Promise<Link> {
  const { host, store } = job
  const fresh = () => newBridgeRecord(host, readFacts(host), nic, bridge, masquerade)
  await store.update((state) => {
    state.bridges[bridge] ??= fresh()
  })
  const link = await store.update((state) => {
    const record = (state.bridges[bridge] ??= fresh())
    const find = () =>
      findBridge(
        lazyFacts(host, Object.values(state.bridges), nic.name),
        record,
        nic,
        masquerade,
      )
    // Another ADD may have done it while this one waited for the lock.
    const done = find()
    if (done) return done
    record.masquerade = masquerade
    establishBridge(host, state, record)
    return find()
  })
  if (link) return link
  throw new CniError(
    CniCode.UnexpectedHost,
    `bridge: ${bridge} was taken away by somebody else`,
  )
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === 'EEXIST' && error.op === MAP_OP
}

// A plan that failed has undone itself; what is left is what was written down. The first error is
// the one to report: the runtime calls DEL after it, and the next call mends what this one cannot.
async function undo({ call, host, store, addresses }: Job): Promise<void> {
  const attempt = async (what: string, act: () => Promise<unknown>) => {
    try {
      await act()
    } catch (error) {
      call.log.error(`undoing a failed ADD: ${what}`, { error: String(error) })
    }
  }
  await attempt('address', () => addresses.release(call.owner))
  await attempt('record', () => forgetEndpoint(host, store, call.owner))
}

function result(
  job: Job,
  address: PodAddress,
  endpoint: Endpoint,
  bridge: Link,
  outerMac: string,
): CniResult {
  const { call, config } = job
  return {
    interfaces: [
      { name: bridge.name, mac: bridge.mac },
      { name: endpoint.hostLink, mac: outerMac },
      { name: endpoint.ifname, mac: endpoint.mac, sandbox: call.netns },
    ],
    ips: [{ address: address.address, gateway: address.gateway, interface: 2 }],
    routes: [{ dst: defaultRoute(familyOf(address.gateway)!), gw: address.gateway }],
    dns: config.dns ?? address.dns ?? {},
  }
}
