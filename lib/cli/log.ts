/**
 * The engine's log on a terminal: what went wrong beside the answer, on stderr.
 */
import type { EngineLog } from '../engine/engine.js'
import type { Output } from './command.js'

/** A log whose warnings and errors are lines on stderr. */
export function logOf(out: Output): EngineLog {
  const tell = (msg: string, fields?: Record<string, unknown>) => {
    out.warn(`${msg}${fields ? ` ${JSON.stringify(fields)}` : ''}\n`)
  }
  return { debug: () => {}, info: () => {}, warn: tell, error: tell }
}
