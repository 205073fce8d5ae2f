/**
 * Attaching a container: check, lease, plan, kernel, record.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { ownerKey } from '../cni/spec/owner.js'
import { NetlinkError } from '../errors.js'
import type { CallId } from '../host/process-id.js'
import { addressOf, hostPart } from '../ip/index.js'
import type { Address, Link } from '../netlink/index.js'
import type { PortBackend } from '../portmap/backend.js'
import { mark } from '../trace.js'
import {
  chooseNic,
  lazyFacts,
  modeOf,
  nicsWithAddresses,
  type HostNetwork,
  type Mode,
  type NearFacts,
  type NetworkWish,
  type PlannedPod,
  type Pod,
} from '../vnet/index.js'
import {
  checkLeased,
  checkMaster,
  isTakenOver,
  refuseExisting,
  refuseSecondAdd,
} from './attach-checks.js'
import { isSamePod, reclaimDead } from './dead.js'
import type { Attached, AttachRequest, Engine, Leased, LeaseWish } from './engine.js'
import { hostSideOf } from './host-side.js'
import { ensureNetwork } from './host-network.js'
import { forgetAttachment, removeAttachment } from './removal.js'
import { lookAtFirewall, refuseFirewall } from './firewall.js'
import { portsWatch, restoreFlushedPorts } from './ports.js'
import type { NodeState, ReadyRecord } from './records.js'
import { recordOf, siblingsOf, viewOf } from './state.js'
import {
  formerSettings,
  isChanged,
  revertSettings,
  type FormerSettings,
} from './settings.js'
import { isAbandoned, sweepAbandoned, sweepOwn } from './sweep.js'

/** Addresses that turn out to be in use are passed over, at most so many. */
const ADDRESS_TRIES = 16

/** The step that takes the address, the first of the plan: EEXIST says that another has it. */
const TAKING_STEP = 0

/** What the stages of one attachment share. */
interface Job {
  readonly engine: Engine
  readonly request: AttachRequest
  readonly mode: Mode
  /** Names of the host networks that this call made. */
  readonly made: Set<string>
  /** Settings of a host network that was there, before this call changed them. */
  former?: FormerSettings
  /** Addresses that this call takes off the host, and the host network that has them on record. */
  taken?: { readonly network: string; readonly addresses: readonly string[] }
}

/**
 * Attaches a container.
 *
 * @throws CniError, NetlinkError, SyscallError, StateError, LockTimeoutError; then nothing is left
 *   of it
 */
export async function attach(engine: Engine, request: AttachRequest): Promise<Attached> {
  const job: Job = { engine, request, mode: modeOf(request.mode), made: new Set() }
  await check(job)
  mark('checks')
  const exclude: string[] = []
  for (;;) {
    const state = await recordIntent(job)
    mark('intent')
    try {
      return await attachOnce(job, state, exclude)
    } catch (error) {
      await undo(job)
      const taken = takenAddress(error)
      if (!taken || exclude.length >= ADDRESS_TRIES) throw error
      exclude.push(taken)
      engine.log.warn('an attachment without a lease has this address', {
        address: taken,
      })
    }
  }
}

// All that can be known before anything is written down or asked for.
async function check({ engine, request }: Job): Promise<void> {
  const { owner, sandbox, settings } = request
  const state = engine.store.read()
  // The interface may be what an ADD of the same owner left when it died.
  const died = isAbandoned(engine.host, state, owner)
  if (!died) refuseExisting(sandbox, owner.ifname)
  if (recordOf(state, owner)) await sweepOwn(engine, request)
  await sweepAbandoned(engine, request, state)
  const { pod } = request
  if (pod) await reclaimDead(engine, request, state, (one) => isSamePod(pod, one))
  if (died) refuseExisting(sandbox, owner.ifname)
  checkMaster(engine.kernel, settings.master)
}

// Written down before anything is asked for, so that whatever a crash leaves has an owner. Answers
// with what is on record: its host networks stay, because this pod may be about to come.
function recordIntent({ engine, request }: Job): Promise<NodeState> {
  const { host, store } = engine
  const { owner } = request
  return store.update((state) => {
    const adder: CallId = host.self
    refuseSecondAdd(host, recordOf(state, owner), owner)
    state.attachments[ownerKey(owner)] = { phase: 'adding', owner, adder }
    return state
  })
}

async function attachOnce(
  job: Job,
  state: NodeState,
  exclude: readonly string[],
): Promise<Attached> {
  const { engine, request, mode } = job
  const { settings, owner } = request
  const { networks } = state
  const facts = freshFacts(job, state)
  const hostSide = await hostSideOf(job, state, facts)
  const leased = await acquire(job, state, {
    nics: () => nicsWithAddresses(facts),
    exclude,
    inUse: hostSide.used,
    occupied: hostSide.occupied,
  })
  mark('address')
  engine.host.checkpoint()
  checkLeased(mode, leased)
  const [first] = leased.addresses
  const nic = chooseNic(facts, settings.master, first!)
  const name = mode.networkName(settings, facts, nic)
  const pools = leased.addresses.map(({ pool }) => pool)
  const wish = { facts, name, nic, network: owner.network, settings, pools }
  const take = hostSide.toTake(leased.addresses)
  const { network, link } = await networkFor(job, networks[name], wish, take)
  const watch = await portsWatch(state)
  mark('bridge')
  engine.host.checkpoint()
  const { pod, outerMac, portsGone, cutOff, firewall } = runPlan(job, leased, {
    network,
    link,
    nic,
    siblings: siblingsOf(state, owner, name),
    watch,
  })
  mark('kernel')
  await recordAttachment(job, network, pod, lookAtFirewall(job, network, nic, firewall))
  if (cutOff) await letThrough(job, network.name)
  // Who took away what pods need may have taken the rules of their ports, or these alone.
  if (portsGone) await restoreFlushedPorts(engine, state)
  if (leased.isScarce) await reclaimDead(engine, request, state)
  mark('record')
  const [address] = pod.addresses
  engine.log.info('pod attached', {
    address: pod.addresses.map((one) => one.address).join(', '),
    hostLink: pod.hostLink,
  })
  return {
    hostLinks: [...mode.hostInterfaces(link), { name: pod.hostLink, mac: outerMac }],
    mac: address!.mac,
    addresses: leased.addresses,
    dns: leased.dns,
    routes: leased.routes ?? [],
  }
}

// Containers that died without DEL may hold the addresses that are wanted.
async function acquire(
  { engine, request }: Job,
  state: NodeState,
  wish: LeaseWish,
): Promise<Leased> {
  const { leases } = request
  try {
    return await leases.acquire(wish)
  } catch (error) {
    const isEmpty = error instanceof CniError && error.code === CniCode.PoolExhausted
    if (!isEmpty || (await reclaimDead(engine, request, state)) === 0) throw error
    return leases.acquire(wish)
  }
}

/**
 * The host network that is wished for: as it is when it is as it should be, else made or mended.
 *
 * @param take addresses of the host's own that the pod has been given
 */
async function networkFor(
  job: Job,
  record: HostNetwork | undefined,
  wish: NetworkWish,
  take: readonly Address[],
): Promise<{ network: HostNetwork; link: Link }> {
  const { mode, engine } = job
  const found = mode.find(wish, record)
  if (record && found && take.length === 0) return { network: record, link: found }
  if (!record && job.request.settings.strictHost) refuseFirewall(engine, mode, wish)
  const { store, kernel } = engine
  const { name } = wish
  await store.update((state) => {
    if (!state.networks[name]) {
      state.networks[name] = mode.newNetwork(kernel, wish)
      job.made.add(name)
    }
    if (take.length === 0) return
    mode.take(kernel, state.networks[name], take)
    const addresses = take.map(({ address }) => hostPart(address))
    job.taken = { network: name, addresses }
  })
  const made = await store.update((state) => {
    const network = (state.networks[name] ??= mode.newNetwork(kernel, wish))
    // Another ADD may have done it while this one waited for the lock.
    const now = () => ({ ...wish, facts: freshFacts(job, state) })
    const there = mode.find(now(), network)
    if (there && take.length === 0) return { network, link: there }
    const former = formerSettings(state, network, job.request.owner)
    mode.apply(network, wish)
    if (isChanged(former, network)) job.former ??= former
    ensureNetwork(engine, state, network)
    return { network, link: mode.find(now(), network) }
  })
  const { network, link } = made
  if (link) return { network, link }
  throw new CniError(
    CniCode.UnexpectedHost,
    `bridge: ${name} was taken away by somebody else`,
  )
}

function freshFacts({ engine, request }: Job, { networks }: NodeState): NearFacts {
  const known = Object.values(networks).map(({ name, nic }) => ({ bridge: name, nic }))
  return lazyFacts(engine.kernel, known, request.settings.master)
}

/** Where a pod comes to. */
interface Place {
  readonly network: HostNetwork
  readonly link: Link
  readonly nic: Link
  /** What the container has there already. */
  readonly siblings: readonly Pod[]
  /** Looks whether the host ports of others are there. */
  readonly watch: PortBackend['planIsThere'] | undefined
}

/** What the plan did, and found. */
interface Ran {
  readonly pod: PlannedPod
  readonly outerMac: string
  /** Whether the host ports of others are missing. */
  readonly portsGone: boolean
  /** Whether Docker's firewall keeps traffic from pods. */
  readonly cutOff: boolean
  /** How the firewall is now. */
  readonly firewall: string
}

function runPlan(
  { engine, request, mode }: Job,
  { addresses, routes }: Leased,
  { network, link, nic, siblings, watch }: Place,
): Ran {
  const { owner, sandbox } = request
  const plan = engine.kernel.plan()
  const place = { owner, sandbox, network, link, mtu: nic.mtu, siblings }
  const wanted = { ...place, addresses, routes }
  const pod = mode.planAttach(plan, wanted)
  const portsThere = watch?.(plan)
  try {
    const done = plan.runSync()
    const portsGone = portsThere?.(done) === false
    const outerMac = done.of(pod.outer)?.mac ?? ''
    const [cutOff, firewall] = [pod.isCutOff(done), pod.firewall(done)]
    return { pod, outerMac, portsGone, cutOff, firewall }
  } catch (error) {
    const isTaken =
      error instanceof NetlinkError &&
      error.code === 'EEXIST' &&
      error.step === TAKING_STEP
    if (!isTaken) throw error
    throw new AddressTaken(addressOf(addresses[0]!.address), error)
  }
}

// Docker was started, or made its chain anew, since the network was made.
async function letThrough({ engine, mode }: Job, name: string): Promise<void> {
  const { store, kernel, log } = engine
  try {
    await store.update((state) => {
      const network = state.networks[name]
      if (network) mode.ensureNetwork(kernel, viewOf(state), network)
    })
  } catch (error) {
    // The pod is there; the next call tries again.
    log.error('a firewall keeps traffic from the pods', { name, error: String(error) })
  }
}

/** The host knows the address already, for somebody that has no lease. */
class AddressTaken extends CniError {
  constructor(
    readonly address: string,
    cause: NetlinkError,
  ) {
    super(
      CniCode.AddressUnavailable,
      `address ${address} is in use on this node by something that has no lease for it`,
      'Take it away from there, or remove it from the pool.',
      { cause },
    )
  }
}

function takenAddress(error: unknown): string | undefined {
  return error instanceof AddressTaken ? error.address : undefined
}

async function recordAttachment(
  { engine, request, mode }: Job,
  network: HostNetwork,
  pod: PlannedPod,
  firewall: HostNetwork['firewall'],
): Promise<void> {
  const { owner, leases } = request
  const record: ReadyRecord = {
    phase: 'ready',
    owner,
    mode: mode.name,
    network: network.name,
    addresses: pod.addresses,
    links: { host: pod.hostLink },
    ipam: leases.name,
    sandbox: { path: request.sandboxPath, ...request.sandbox.identity },
    pod: request.pod,
  }
  try {
    await engine.store.update((state) => {
      state.attachments[ownerKey(owner)] = record
      const there = state.networks[network.name]
      if (there && firewall) there.firewall = firewall
    })
  } catch (error) {
    // The plan has been carried out and has no undo any more.
    removeAttachment(engine, engine.store.read(), owner, [network.name])
    throw error
  }
}

// What this call took off the host.
async function giveBack(
  { kernel, store }: Engine,
  { network, addresses }: NonNullable<Job['taken']>,
): Promise<void> {
  await store.update((state) => {
    const record = state.networks[network]
    // Without a record the network was released, which gave them back.
    if (record) modeOf(record.mode).giveBack(kernel, viewOf(state), record, addresses)
  })
}

// A plan that failed has undone itself; what is left is what was written down and the network that
// this call made. The first error is the one to report: the runtime calls DEL after it, and the
// next call mends what this one cannot.
async function undo(job: Job): Promise<void> {
  const { engine, request, made, former, taken } = job
  const { owner } = request
  const attempt = async (what: string, act: () => Promise<unknown>) => {
    try {
      await act()
    } catch (error) {
      engine.log.error(`undoing a failed ADD: ${what}`, { error: String(error) })
    }
  }
  let isOver = false
  await attempt('record', async () => {
    isOver = isTakenOver(engine.host, recordOf(engine.store.read(), owner))
  })
  // What is on record and leased now is that of a later call of the same container.
  if (isOver) return
  // Before the record goes: with it may go a network that is to end with its pods only now.
  if (former) await attempt('settings', () => revertSettings(engine, former, owner))
  delete job.former
  // Before the lease ends: nobody may have the address by then. A network that goes with this call
  // gives back by itself.
  if (taken && !made.has(taken.network))
    await attempt('host addresses', () => giveBack(engine, taken))
  delete job.taken
  await attempt('address', () => request.leases.release(owner))
  await attempt('record', () => forgetAttachment(engine, owner, made))
}
