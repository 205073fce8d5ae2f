/**
 * Attaching a container: check, lease, plan, kernel, record.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { ownerKey } from '../cni/spec/owner.js'
import { NetlinkError } from '../errors.js'
import type { CallId } from '../host/process-id.js'
import { addressOf } from '../ip/index.js'
import type { Link } from '../netlink/index.js'
import type { PortBackend } from '../portmap/backend.js'
import { mark } from '../trace.js'
import {
  chooseNic,
  modeOf,
  nicsWithAddresses,
  type HostNetwork,
  type PlannedPod,
  type Pod,
} from '../vnet/index.js'
import {
  checkLeased,
  checkMaster,
  refuseExisting,
  refuseSecondAdd,
} from './attach-checks.js'
import type { Job } from './attach-job.js'
import { freshFacts, letThrough, networkFor } from './attach-network.js'
import { undo } from './attach-undo.js'
import { isSamePod, reclaimDead } from './dead.js'
import type { Attached, AttachRequest, Engine, Leased, LeaseWish } from './engine.js'
import { lookAtFirewall } from './firewall.js'
import { hostSideOf } from './host-side.js'
import { portsWatch, restoreFlushedPorts } from './ports.js'
import type { NodeState, ReadyRecord } from './records.js'
import { removeAttachment } from './removal.js'
import { recordOf, siblingsOf } from './state.js'
import { isAbandoned, sweepAbandoned, sweepOwn } from './sweep.js'

/** Addresses that turn out to be in use are passed over, at most so many. */
const ADDRESS_TRIES = 16

/** The step that takes the address, the first of the plan: EEXIST says that another has it. */
const TAKING_STEP = 0

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
