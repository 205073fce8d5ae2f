/**
 * Where a call's milliseconds go, for whoever measures: off unless VNET_CNI_TRACE is set.
 */
import { writeSync } from 'node:fs'

/** Name of the environment variable that switches the marks on (any value). */
export const TRACE_VARIABLE = 'VNET_CNI_TRACE'

// Undocumented, but there since Node 0.x: what Node has loaded of itself so far.
type Node = { readonly moduleLoadList: readonly string[] }

// Without names of its own: what a usual call does not run is in another part of the executable. Not
// `performance`: that would load twelve modules of Node.
const trace = process.env[TRACE_VARIABLE] !== undefined && {
  marks: [] as string[],
  loadedBefore: (process as unknown as Node).moduleLoadList.length,
  origin: Date.now(),
  ticks: process.hrtime.bigint(),
}

/** Notes that a stage has been reached. Does nothing at all unless the trace is on. */
export function mark(stage: string): void {
  if (!trace) return
  const at = trace.origin + Number(process.hrtime.bigint() - trace.ticks) / 1e6
  trace.marks.push(`vnet-cni trace: ${stage} ${at.toFixed(3)}\n`)
}

/**
 * Writes the marks to stderr, one `vnet-cni trace: <stage> <time>` a line, in order; the time is
 * in milliseconds since the epoch. A line `vnet-cni loaded: <name> …` has the modules of Node that
 * the call made it load: each takes milliseconds. Call it last: writing takes time itself.
 */
export function writeMarks(): void {
  if (!trace) return
  const names = (process as unknown as Node).moduleLoadList
    .slice(trace.loadedBefore)
    .map((entry) => entry.replace('NativeModule ', ''))
  writeSync(2, `${trace.marks.join('')}vnet-cni loaded: ${names.join(' ')}\n`)
}
