/**
 * Where a call's milliseconds go, for whoever measures: off unless VNET_CNI_TRACE is set.
 */
import { writeSync } from 'node:fs'

/** Name of the environment variable that switches the marks on (any value). */
export const TRACE_VARIABLE = 'VNET_CNI_TRACE'

const marks: string[] = []
const isOn = process.env[TRACE_VARIABLE] !== undefined

// Undocumented, but there since Node 0.x: what Node has loaded of itself so far.
const loaded = () => (process as unknown as { moduleLoadList: string[] }).moduleLoadList
const before = isOn ? loaded().length : 0

// Not `performance`: that would load twelve modules of Node.
const origin = Date.now()
const ticks = process.hrtime.bigint()

/** Notes that a stage has been reached. Does nothing at all unless the trace is on. */
export const mark: (stage: string) => void = isOn
  ? (stage) => {
      const at = origin + Number(process.hrtime.bigint() - ticks) / 1e6
      marks.push(`vnet-cni trace: ${stage} ${at.toFixed(3)}\n`)
    }
  : () => undefined

/**
 * Writes the marks to stderr, one `vnet-cni trace: <stage> <time>` a line, in order; the time is
 * in milliseconds since the epoch. A line `vnet-cni loaded: <name> …` has the modules of Node that
 * the call made it load: each takes milliseconds. Call it last: writing takes time itself.
 */
export function writeMarks(): void {
  if (!isOn) return
  const names = loaded()
    .slice(before)
    .map((entry) => entry.replace('NativeModule ', ''))
  writeSync(2, `${marks.join('')}vnet-cni loaded: ${names.join(' ')}\n`)
}
