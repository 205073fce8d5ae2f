/**
 * A plan: a list of requests to the kernel that run in one native call.
 */
import { ArgumentError, withCode } from '../argument-error.js'
import {
  type Backend,
  type Wire,
  type WireFailure,
  type WireOutcome,
  type WireStep,
} from '../binding.js'
import { toError } from '../errors.js'
import { ConntrackVerbs } from '../conntrack/verbs.js'
import { NftVerbs } from '../nft/ruleset.js'
import type { CallOptions } from './call.js'
import { AddressVerbs } from './objects/address.js'
import { BridgePortVerbs } from './objects/bridge-port.js'
import { checkSignal } from './base/check.js'
import { EthtoolVerbs } from './objects/ethtool.js'
import { FdbVerbs } from './objects/fdb.js'
import { GenericVerbs } from './objects/generic.js'
import { LinkVerbs } from './objects/link-verbs.js'
import { NeighbourVerbs } from './objects/neighbour.js'
import type { NamespaceHandle } from './base/namespace.js'
import { NextHopVerbs } from './objects/nexthop.js'
import { NsidVerbs } from './objects/nsid.js'
import { checkOptions, type Options } from './base/options.js'
import { RouteVerbs } from './objects/route-verbs.js'
import { RuleVerbs } from './objects/rule.js'
import { SocketVerbs } from './objects/socket.js'
import { snapshot } from './base/snapshot.js'
import { StepRef, type StepOptions, type StepSink } from './base/steps.js'
import { SysctlVerbs } from './objects/sysctl.js'
import { subjectOf } from './subject.js'

/** What happens when a step fails. */
export interface RunOptions {
  /**
   * `undo` (the default) takes the steps before it back in reverse order, as far as they can be;
   * `stop` leaves them; `continue` goes on with the next step, which is what a teardown wants.
   */
  readonly onFailure?: 'undo' | 'stop' | 'continue'
}

const RAW: Options<StepOptions> = {
  flags: 'value',
  accept: 'value',
  only: 'value',
  undo: 'value',
  describe: 'value',
}

/** The verbs that a plan offers for one namespace. */
export class PlanScope {
  // Made when they are first used: a plan has few kinds of steps, and a cold start pays for each.
  #link?: LinkVerbs
  #address?: AddressVerbs
  #route?: RouteVerbs
  #rule?: RuleVerbs
  #neighbour?: NeighbourVerbs
  #nftables?: NftVerbs
  #conntrack?: ConntrackVerbs
  #fdb?: FdbVerbs
  #bridgePort?: BridgePortVerbs
  #nsid?: NsidVerbs
  #nextHop?: NextHopVerbs
  #socket?: SocketVerbs
  #generic?: GenericVerbs
  #ethtool?: EthtoolVerbs
  #sysctl?: SysctlVerbs

  /** @internal */
  constructor(
    /** @internal */
    protected readonly sink: StepSink,
  ) {}

  /** Links: ip-link(8). */
  get link(): LinkVerbs {
    return (this.#link ??= new LinkVerbs(this.sink))
  }

  /** Addresses: ip-address(8). */
  get address(): AddressVerbs {
    return (this.#address ??= new AddressVerbs(this.sink))
  }

  /** Routes: ip-route(8). */
  get route(): RouteVerbs {
    return (this.#route ??= new RouteVerbs(this.sink))
  }

  /** Policy rules: ip-rule(8). */
  get rule(): RuleVerbs {
    return (this.#rule ??= new RuleVerbs(this.sink))
  }

  /** Neighbours: ip-neighbour(8). */
  get neighbour(): NeighbourVerbs {
    return (this.#neighbour ??= new NeighbourVerbs(this.sink))
  }

  /** The nftables ruleset: nft(8). */
  get nftables(): NftVerbs {
    return (this.#nftables ??= new NftVerbs(this.sink))
  }

  /** Flows that the kernel remembers: conntrack(8). */
  get conntrack(): ConntrackVerbs {
    return (this.#conntrack ??= new ConntrackVerbs(this.sink))
  }

  /** Forwarding tables of bridges and VXLAN tunnels: bridge(8). */
  get fdb(): FdbVerbs {
    return (this.#fdb ??= new FdbVerbs(this.sink))
  }

  /** Ports of bridges and their VLANs: bridge(8). */
  get bridgePort(): BridgePortVerbs {
    return (this.#bridgePort ??= new BridgePortVerbs(this.sink))
  }

  /** Numbers of other namespaces: ip-netns(8). */
  get nsid(): NsidVerbs {
    return (this.#nsid ??= new NsidVerbs(this.sink))
  }

  /** Next hops that routes name: ip-nexthop(8). */
  get nextHop(): NextHopVerbs {
    return (this.#nextHop ??= new NextHopVerbs(this.sink))
  }

  /** Sockets of TCP and UDP: ss(8). */
  get socket(): SocketVerbs {
    return (this.#socket ??= new SocketVerbs(this.sink))
  }

  /** Families of generic netlink: genl(8). */
  get generic(): GenericVerbs {
    return (this.#generic ??= new GenericVerbs(this.sink))
  }

  /** What drivers tell of their devices: ethtool(8). */
  get ethtool(): EthtoolVerbs {
    return (this.#ethtool ??= new EthtoolVerbs(this.sink))
  }

  /** Files below /proc/sys. */
  get sysctl(): SysctlVerbs {
    return (this.#sysctl ??= new SysctlVerbs(this.sink))
  }

  /**
   * Adds a request in the addon's own terms; for verbs that have no method yet. The arguments are
   * copied: what is changed in them later is not in the plan.
   */
  raw<T>(
    op: string,
    args: { readonly [key: string]: Wire },
    options?: StepOptions,
  ): StepRef<T> {
    if (options !== undefined) checkOptions(options, 'Plan.raw', RAW)
    const copy = snapshot(args)
    return new StepRef(this.sink.add(op, copy, options), (wire) => wire as T)
  }
}

// What could not be taken back must not be lost; else the reason is the error, as everywhere.
function abortError(reason: unknown, outcome: WireOutcome, keepGoing: boolean): unknown {
  const failures = outcome.moreFailures.map((failure) => toError(failure))
  if (keepGoing || failures.length === 0) return reason
  const message = 'the plan was aborted, and not all that it had done could be undone'
  return new AggregateError([reason, ...failures], message, { cause: reason })
}

/** The answers of a plan that ran. */
export class Done {
  /** What failed and was passed over, with `onFailure: 'continue'`; else empty. */
  readonly failures: readonly Error[]
  readonly #results: readonly unknown[]

  /** @internal */
  constructor(results: readonly unknown[], failures: readonly Error[] = []) {
    this.#results = results
    this.failures = failures
  }

  /** The result of a step. */
  of<T>(ref: StepRef<T>): T {
    if (ref.step >= this.#results.length) {
      throw new ArgumentError(`ref: step ${ref.step} is none of this plan`)
    }
    return ref.decode(this.#results[ref.step])
  }
}

/**
 * A list of steps, made by verbs and run in one native call. The verbs of the plan itself act in
 * the namespace that it was made from, those of `plan.in(other)` in another.
 */
export class Plan extends PlanScope {
  readonly #namespaces: NamespaceHandle[] = []
  readonly #steps: WireStep[] = []
  readonly #describe = new Map<number, (failure: WireFailure) => string>()
  readonly #backend: Backend
  readonly #owner: object

  /** @internal */
  constructor(home: NamespaceHandle) {
    // The sink is made before `this` exists; the arrow functions look the plan up later.
    const hold: { plan?: Plan } = {}
    super({
      owner: hold,
      add: (op, args, options) => (hold.plan as Plan).#add(home, op, args, options),
      in: (ns) => (hold.plan as Plan).#sinkFor(ns),
      namespace: (ns) => (hold.plan as Plan).#position(ns),
    })
    hold.plan = this
    this.#owner = hold
    this.#namespaces.push(home)
    this.#backend = home.backend
  }

  /** The same plan seen from another namespace. */
  in(ns: NamespaceHandle): PlanScope {
    return new PlanScope(this.#sinkFor(ns))
  }

  /** The steps as plain data: for `--dry-run` and for tests. */
  get steps(): readonly WireStep[] {
    return this.#steps
  }

  /**
   * Runs the plan on a pool thread.
   *
   * @throws NetlinkError EPERM for a change without CAP_NET_ADMIN over the namespace
   * @throws NetlinkError with the `step` that was refused; what its verb tells
   * @throws SyscallError EPERM without CAP_SYS_ADMIN over the namespace, which entering it needs
   * @throws SyscallError EMFILE when there is no descriptor for a socket
   * @throws TypeError for a malformed step; then nothing was done
   * With a signal also what {@link CallOptions} says.
   */
  async run(options: RunOptions & CallOptions = {}): Promise<Done> {
    checkOptions(options, 'Plan.run', { onFailure: 'value', signal: 'value' })
    const { signal } = options
    checkSignal(signal)
    signal?.throwIfAborted()
    const { steps, keepGoing } = this.#prepare(options)
    let outcome: WireOutcome
    try {
      outcome = await this.#backend.run(this.#handles(), steps, keepGoing, signal)
    } catch (error) {
      throw withCode(error)
    }
    if (outcome.aborted) throw abortError(signal?.reason, outcome, keepGoing)
    return this.#finish(outcome, keepGoing)
  }

  /** Runs the plan on this thread: for short-lived programs. Throws as `run` does. */
  runSync(options: RunOptions = {}): Done {
    checkOptions(options, 'Plan.runSync', { onFailure: 'value' })
    const { steps, keepGoing } = this.#prepare(options)
    let outcome: WireOutcome
    try {
      outcome = this.#backend.runSync(this.#handles(), steps, keepGoing)
    } catch (error) {
      throw withCode(error)
    }
    return this.#finish(outcome, keepGoing)
  }

  #add(
    ns: NamespaceHandle,
    op: string,
    args: { readonly [key: string]: Wire },
    options: StepOptions = {},
  ): number {
    const position = this.#position(ns)
    const { undo = [] } = options
    const back = typeof undo === 'function' ? undo(this.#steps.length) : undo
    this.#steps.push({
      op,
      ns: position,
      args,
      flags: options.flags ?? 0,
      accept: options.accept ?? [],
      ...(options.only && { only: options.only }),
      undo: back.map((step) => ({ ...step, ns: position })),
    })
    if (options.describe) this.#describe.set(this.#steps.length - 1, options.describe)
    return this.#steps.length - 1
  }

  #sinkFor(ns: NamespaceHandle): StepSink {
    return {
      owner: this.#owner,
      add: (op, args, options) => this.#add(ns, op, args, options),
      in: (other) => this.#sinkFor(other),
      namespace: (other) => this.#position(other),
    }
  }

  #position(ns: NamespaceHandle): number {
    if (typeof ns?.native?.identity !== 'function') {
      throw new ArgumentError(
        `netns: give a namespace that is open (NetNs), not ${String(ns)}`,
      )
    }
    if (ns.backend !== this.#backend) {
      throw new ArgumentError(
        'netns: a plan cannot mix namespaces of the kernel with those of a fake, or of two fakes',
      )
    }
    const at = this.#namespaces.indexOf(ns)
    return at >= 0 ? at : this.#namespaces.push(ns) - 1
  }

  #handles() {
    return this.#namespaces.map((ns) => ns.native)
  }

  #prepare({ onFailure = 'undo' }: RunOptions) {
    if (!['undo', 'stop', 'continue'].includes(onFailure)) {
      throw new ArgumentError(
        `onFailure: ${String(onFailure)} is not one of undo, stop, continue`,
      )
    }
    const steps =
      onFailure === 'undo' ? this.#steps : this.#steps.map(({ undo: _, ...step }) => step)
    return { steps, keepGoing: onFailure === 'continue' }
  }

  #finish(outcome: WireOutcome, keepGoing: boolean): Done {
    const { failure, moreFailures, results } = outcome
    if (!failure) return new Done(results)
    if (keepGoing)
      return new Done(
        results,
        [failure, ...moreFailures].map((f) => toError(f, [], this.#subject(f))),
      )
    throw toError(failure, moreFailures, (one) => this.#subject(one))
  }

  #subject(failure: WireFailure): string {
    const described = this.#describe.get(failure.step)?.(failure)
    if (described) return described
    const step = this.#steps[failure.step]
    return step ? subjectOf(step, this.#steps) : ''
  }
}
