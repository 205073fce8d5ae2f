import { CELLS, type Cell, type HostLimit } from './host-kind.js'
import type { Probe } from './probes.js'

/** A probe that did not work. */
export interface Failure {
  cell: Cell
  probe: string
  reason: string
}

/** One pass through all probes. */
export interface Phase {
  name: string
  /** Columns in which something was tried. */
  cells: Cell[]
  tried: number
  failures: Failure[]
  /** What an event did, the next call of the plug-ins has mended: the phase after this one. */
  beforeNextCall?: boolean
}

/** What became of one column: see docs/hosts.md for what they mean. */
export type State =
  'works' | 'closed' | 'named' | 'mended' | 'refused' | 'broken' | 'none'

/** What became of one column, and why. */
export interface CellReport {
  state: State
  notes: string[]
}

/** What became of a host. */
export interface HostReport {
  host: string
  title: string
  /** What the plug-ins said when they would not attach a pod. */
  refused?: string
  /** What the log of azure-vnet warns of. */
  warnings: string[]
  cells: Record<Cell, CellReport>
  phases: Phase[]
}

/** How long a probe waits for its answer. */
export const PATIENCE_MS = 8000

/** Tries all probes side by side. */
export async function tryAll(
  name: string,
  probes: readonly Probe[],
  patience: (probe: Probe) => number,
): Promise<Phase> {
  const failures = await Promise.all(
    probes.map((probe) =>
      probe.run(patience(probe)).then(
        () => [],
        ({ message: reason }: Error): Failure[] => [
          { cell: probe.cell, probe: probe.name, reason },
        ],
      ),
    ),
  )
  const cells = [...new Set(probes.map(({ cell }) => cell))]
  return { name, cells, tried: probes.length, failures: failures.flat() }
}

function limitOf(failure: Failure, limits: readonly HostLimit[]): HostLimit | undefined {
  const fits = ({ cell, probe = '' }: HostLimit) =>
    cell === failure.cell && failure.probe.includes(probe)
  return limits.find(fits)
}

/** The limits that hold: of those that the log has to name, the ones that it does. */
export function limitsThatHold(
  limits: readonly HostLimit[],
  warnings: readonly string[],
): HostLimit[] {
  return limits.filter(
    ({ named }) => !named || warnings.some((warning) => named.test(warning)),
  )
}

interface Judge {
  before: Phase
  limits: readonly HostLimit[]
  refused: string | undefined
}

/** Failures of a phase that are the plug-ins' own: neither there before, nor the host's will. */
export function ours(
  phase: Phase,
  before: Phase,
  limits: readonly HostLimit[],
): Failure[] {
  const old = new Set(before.failures.map(({ probe }) => probe))
  return phase.failures.filter(
    (failure) => !old.has(failure.probe) && limitOf(failure, limits) === undefined,
  )
}

const POD_CELLS: readonly Cell[] = CELLS.filter(
  (cell) => cell.startsWith('pod') || cell === 'host ports',
)

function closedNotes(cell: Cell, phases: readonly Phase[], { before, limits }: Judge) {
  const all = [before, ...phases].flatMap(({ failures }) => failures)
  const here = all.filter((failure) => failure.cell === cell)
  const reasons = here.map((failure) => {
    const known = limitOf(failure, limits)
    return known?.why ?? `${failure.probe}: not before either (${failure.reason})`
  })
  return [...new Set(reasons)]
}

function judgeCell(cell: Cell, phases: readonly Phase[], judge: Judge): CellReport {
  const { before, limits, refused } = judge
  const known = [before, ...phases].some(({ cells }) => cells.includes(cell))
  if (refused !== undefined && !known)
    return POD_CELLS.includes(cell)
      ? { state: 'refused', notes: [] }
      : { state: 'none', notes: [] }
  if (!known) return { state: 'none', notes: [] }
  const failed = (wanted: boolean) =>
    phases
      .filter(({ beforeNextCall = false }) => beforeNextCall === wanted)
      .flatMap((phase) => ours(phase, before, limits).map((one) => ({ phase, one })))
      .filter(({ one }) => one.cell === cell)
      .map(({ phase, one }) => `${phase.name}: ${one.probe}: ${one.reason}`)
  const [broken, mended] = [failed(false), failed(true)]
  if (broken.length > 0) return { state: 'broken', notes: broken }
  if (mended.length > 0) return { state: 'mended', notes: mended }
  const notes = closedNotes(cell, phases, judge)
  if (notes.length === 0) return { state: 'works', notes }
  const byLog = phases
    .flatMap(({ failures }) => failures)
    .some((one) => one.cell === cell && limitOf(one, limits)?.named)
  return { state: byLog ? 'named' : 'closed', notes }
}

/** What became of each column. */
export function judgeCells(
  phases: readonly Phase[],
  judge: Judge,
): Record<Cell, CellReport> {
  return Object.fromEntries(
    CELLS.map((cell) => [cell, judgeCell(cell, phases, judge)]),
  ) as Record<Cell, CellReport>
}
