/**
 * Runs a plan against the model, step by step, as native/executor.cc does against the kernel.
 */
import { ArgumentError } from '../argument-error.js'
import type { WireFailure, WireOutcome, WireStep } from '../binding.js'
import { E, Refusal, type FakeLink, type FakeNamespace, type Fields } from './model.js'
import { operations } from './operations.js'

/** Says whether a step is to fail before the model sees it. */
export type Injector = (step: WireStep) => Refusal | undefined

/** Is told of every step that ran. */
export type Recorder = (step: WireStep, errno: number, undo: boolean) => void

type Indexes = { index: number; peerIndex: number }
const NOTHING: Indexes = { index: 0, peerIndex: 0 }

/** Puts the indexes in the place of references. */
function resolve(value: unknown, indexes: readonly Indexes[]): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, indexes))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array)
    return value
  const fields = value as Fields
  if (typeof fields['ref'] === 'number') {
    const made = indexes[fields['ref']] ?? NOTHING
    const index = fields['field'] === 'peerIndex' ? made.peerIndex : made.index
    if (index > 0) return index
    // oxlint-disable-next-line no-throw-literal
    throw new Refusal(
      E.ENODEV,
      `refers to step ${fields['ref']}, which made no interface`,
    )
  }
  return Object.fromEntries(
    Object.entries(fields).map(([key, item]) => [key, resolve(item, indexes)]),
  )
}

export class Runner {
  readonly #indexes: Indexes[] = []

  constructor(
    private readonly namespaces: FakeNamespace[],
    private readonly inject: Injector,
    private readonly record: Recorder,
  ) {}

  run(steps: readonly WireStep[], keepGoing: boolean): WireOutcome {
    this.#check(steps)
    const results: unknown[] = []
    const failures: WireFailure[] = []
    const changed: boolean[] = []
    for (const [i, step] of steps.entries()) {
      this.#indexes[i] = NOTHING
      const { failure, accepted, result } = this.#step(step, i, false)
      results.push(result)
      changed.push(!failure && !accepted)
      if (!failure) continue
      failures.push({ ...failure, step: i })
      if (keepGoing) continue
      failures.push(...this.#undo(steps, changed, i))
      break
    }
    const [failure, ...moreFailures] = failures
    return { results, ...(failure && { failure }), moreFailures }
  }

  // Steps that did nothing, because they met what they wanted, are not taken back.
  #undo(steps: readonly WireStep[], changed: boolean[], failed: number): WireFailure[] {
    const failures: WireFailure[] = []
    for (let i = failed - 1; i >= 0; i--) {
      if (!changed[i]) continue
      for (const step of steps[i]?.undo ?? []) {
        const { failure } = this.#step(step, -1, true)
        if (failure) failures.push({ ...failure, step: i })
      }
    }
    return failures
  }

  #step(step: WireStep, at: number, undo: boolean) {
    let refusal = this.inject(step)
    let result: unknown
    if (!refusal) {
      try {
        result = this.#dispatch(step, at)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        refusal = error
      }
    }
    this.record(step, refusal?.errno ?? 0, undo)
    if (!refusal) return { accepted: false, result }
    const accepted = (step.accept ?? []).includes(refusal.errno)
    if (!accepted) return { accepted, failure: toFailure(step, refusal) }
    if (['link.new', 'tun.new'].includes(step.op)) this.#findByName(step, at)
    return { accepted }
  }

  #dispatch(step: WireStep, at: number): unknown {
    const operation = operations[step.op] as (typeof operations)[string]
    return operation({
      ns: this.namespaces[step.ns] as FakeNamespace,
      // What is kept and handed out must not be the caller's own objects.
      args: structuredClone(resolve(step.args, this.#indexes)) as Fields,
      flags: step.flags ?? 0,
      all: this.namespaces,
      found: (link) => this.#note(at, link),
    })
  }

  #note(at: number, link: FakeLink): void {
    const peerIndex = link.peer?.link.index ?? 0
    if (at >= 0) this.#indexes[at] = { index: link.index, peerIndex }
  }

  #findByName(step: WireStep, at: number): void {
    const ns = this.namespaces[step.ns] as FakeNamespace
    const link = ns.links.find((l) => l.name === step.args['name'])
    if (link) this.#note(at, link)
  }

  // As the addon does, all is looked at before anything is done.
  #check(steps: readonly WireStep[]): void {
    for (const step of steps) {
      if (!Object.hasOwn(operations, step.op)) {
        throw new ArgumentError(
          `op: ${step.op} is not an operation that the fake kernel knows`,
        )
      }
      if (!this.namespaces[step.ns]) {
        throw new ArgumentError(`${step.op}: ns: no namespace has that position`)
      }
      this.#check(step.undo ?? [])
    }
  }
}

function toFailure(step: WireStep, refusal: Refusal): WireFailure {
  const { errno, extAck, syscall, attribute } = refusal
  return { step: -1, op: step.op, errno, syscall, extAck, attribute }
}
