/**
 * Where a call's milliseconds go, for whoever measures: off unless VNET_CNI_TRACE is set.
 */
import { writeSync } from 'node:fs'

/** Name of the environment variable that switches the marks on (any value). */
export const TRACE_VARIABLE = 'VNET_CNI_TRACE'

const marks: string[] = []

/** Notes that a stage has been reached. Does nothing at all unless the trace is on. */
export const mark: (stage: string) => void = process.env[TRACE_VARIABLE]
  ? (stage) => {
      const at = performance.timeOrigin + performance.now()
      marks.push(`vnet-cni trace: ${stage} ${at.toFixed(3)}\n`)
    }
  : () => undefined

/**
 * Writes the marks to stderr, one `vnet-cni trace: <stage> <time>` a line, in order; the time is
 * in milliseconds since the epoch. Call it last: writing takes time itself.
 */
export function writeMarks(): void {
  if (marks.length > 0) writeSync(2, marks.join(''))
}
