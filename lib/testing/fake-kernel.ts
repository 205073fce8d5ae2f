/**
 * The fake kernel that users' tests talk to.
 */
import { ArgumentError } from '../argument-error.js'
import { constants } from 'node:os'
import type {
  Backend,
  NativeMonitor,
  NativeNetNs,
  WireEvent,
  WireOutcome,
  WireStep,
} from '../binding.js'
import { errnoName } from '../errors.js'
import { NetNs } from '../netlink/netns.js'
import { FakeNamespace, Refusal } from './model.js'
import { operations } from './operations.js'
import { Runner } from './runner.js'

/** When a failure is injected. */
export interface FailOptions {
  /** How many steps of that operation succeed first; 0 when absent. */
  readonly after?: number
  /** How many fail then; 1 when absent. `Infinity` for all. */
  readonly times?: number
  /** The kernel's words in the error. */
  readonly extAck?: string
  /** Name of a system call: the error is a SyscallError then. */
  readonly syscall?: string
}

/** A step as it ran. */
export interface RecordedStep {
  /** The operation: `link.new`. */
  readonly op: string
  /** The namespace; compare with {@link NetNs.equals}. */
  readonly netns: NetNs
  /** Arguments in the addon's form, references as they were. */
  readonly args: WireStep['args']
  /** NLM_F_* bits beside REQUEST and ACK (linux/netlink.h). */
  readonly flags: number
  /** `EEXIST` when the step was refused (accepted or not), else undefined. */
  readonly code?: string
  /** Whether it took an earlier step back. */
  readonly undo: boolean
}

interface Fault {
  readonly op: string
  readonly refusal: Refusal
  after: number
  times: number
}

/** A handle of a namespace; several may be of one. */
interface Handle {
  readonly model: FakeNamespace
  readonly netns: NetNs
  isClosed: boolean
}

function errnoOf(code: string): number {
  const errno = (constants.errno as Record<string, number | undefined>)[code]
  const known = errno ?? (code === 'ERESTART' ? 85 : undefined)
  if (known === undefined)
    throw new ArgumentError(`code: ${code} is no errno, such as EINVAL`)
  return known
}

/**
 * An in-memory model of what plans act on: links, veth pairs across namespaces, addresses,
 * routes, neighbours, sysctls, nftables. It needs no rights and no Linux. Its namespaces behave as
 * {@link NetNs} handles do; plans run, fail and are undone as on the kernel, with its errnos.
 *
 * It is a model: no packet moves, rules are kept but not run, IPv6 link-local addresses do not
 * appear by themselves, arguments are not checked for what only the kernel's tables know.
 *
 *     const fake = new FakeKernel()
 *     const host = fake.netns()
 *     fake.failOn('route.new', 'EINVAL', { after: 2 })
 */
export class FakeKernel {
  /** Every step that ran, oldest first; refused and undoing ones too. */
  readonly steps: RecordedStep[] = []
  readonly #handles = new Map<NativeNetNs, Handle>()
  readonly #faults: Fault[] = []
  readonly #backend: Backend
  #nextInode = 0xf0000001

  constructor() {
    this.#backend = {
      runSync: (namespaces, steps, keepGoing) => this.#run(namespaces, steps, keepGoing),
      run: async (namespaces, steps, keepGoing, signal) => {
        // Bad input is refused after a turn, as from the addon; so is the answer.
        await new Promise((resolve) => {
          setImmediate(resolve)
        })
        if (signal?.aborted) return { results: [], aborted: true, moreFailures: [] }
        return this.#run(namespaces, steps, keepGoing)
      },
      spawn: () => {
        throw new ArgumentError(
          'namespace: a namespace of the fake kernel runs no programs',
        )
      },
      openMonitor: (namespace, kinds, limit, _, onReady) =>
        openMonitor(this.#model(namespace), kinds, limit, onReady),
    }
  }

  /** A new namespace that holds a loopback link. */
  netns(): NetNs {
    return this.#handle(new FakeNamespace(this.#nextInode++))
  }

  /**
   * Another handle of a namespace, as opening its path again gives one: closing it leaves the first
   * one open.
   *
   * @throws TypeError for a handle that is closed or of another kernel
   */
  open(netns: NetNs): NetNs {
    return this.#handle(this.#model(netns.native))
  }

  #handle(model: FakeNamespace): NetNs {
    const native: NativeNetNs = {
      identity: () => ({ dev: 4, ino: this.#model(native).inode }),
      fd: () => -1,
      close: () => {
        handle.isClosed = true
      },
    }
    const handle = { model, netns: NetNs.of(native, this.#backend), isClosed: false }
    this.#handles.set(native, handle)
    return handle.netns
  }

  /**
   * Has steps of an operation (`link.new`, `route.new`, `nft.batch`, …) refused with an errno.
   *
   * @throws TypeError for an operation or errno that there is not
   */
  failOn(op: string, code: string, options: FailOptions = {}): this {
    if (!Object.hasOwn(operations, op)) {
      throw new ArgumentError(`op: ${op} is not an operation that the fake kernel knows`)
    }
    const { after = 0, times = 1, extAck = '', syscall = '' } = options
    const refusal = new Refusal(errnoOf(code), extAck, syscall)
    this.#faults.push({ op, refusal, after, times })
    return this
  }

  /** Forgets the steps and the failures to come; namespaces stay as they are. */
  reset(): void {
    this.steps.length = 0
    this.#faults.length = 0
  }

  #model(native: NativeNetNs): FakeNamespace {
    const known = this.#handles.get(native)
    if (!known || known.isClosed) {
      throw new ArgumentError('namespaces: not an open namespace handle (NetNs)')
    }
    return known.model
  }

  #run(
    natives: readonly NativeNetNs[],
    steps: readonly WireStep[],
    keepGoing: boolean,
  ): WireOutcome {
    const models = natives.map((native) => this.#model(native))
    const runner = new Runner(
      models,
      (step) => this.#inject(step),
      (step, errno, undo) => {
        const native = natives[step.ns] as NativeNetNs
        const netns = this.#handles.get(native)?.netns as NetNs
        const { op, args, flags = 0 } = step
        const code = errno === 0 ? undefined : errnoName(errno)
        this.steps.push({ op, netns, args, flags, undo, ...(code && { code }) })
      },
    )
    return runner.run(steps, keepGoing)
  }

  #inject(step: WireStep): Refusal | undefined {
    for (const fault of this.#faults) {
      if (fault.op !== step.op || fault.times <= 0) continue
      if (fault.after-- > 0) continue
      fault.times--
      return fault.refusal
    }
    return undefined
  }
}

function openMonitor(
  model: FakeNamespace,
  kinds: readonly string[],
  limit: number,
  onReady: () => void,
): NativeMonitor {
  const queue: WireEvent[] = []
  let overrun = false
  let idle = true
  const watcher = (event: WireEvent) => {
    if (overrun || !kinds.includes(event.kind)) return
    overrun = queue.length >= limit
    queue.push(overrun ? { kind: 'overrun' } : structuredClone(event))
    if (idle) setImmediate(onReady)
    idle = false
  }
  model.watchers.add(watcher)
  return {
    take: (most) => {
      const taken = queue.splice(0, most)
      if (queue.length === 0) overrun = false
      if (taken.length === 0) idle = true
      return taken
    },
    hold: () => undefined,
    close: () => model.watchers.delete(watcher),
  }
}
