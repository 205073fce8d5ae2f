/**
 * Processes by number and start time: a number alone is given out again.
 */
import { readFileSync } from 'node:fs'

/** A process, told apart from later ones with the same number. */
export interface ProcessId {
  readonly pid: number
  /** Start time in clock ticks since boot (proc(5), stat field 22); empty when unknown. */
  readonly start: string
}

/** This process. */
export function ownProcess(): ProcessId {
  return { pid: process.pid, start: startTime('self') ?? '' }
}

/** Whether the process still runs. */
export function isAlive({ pid, start }: ProcessId): boolean {
  const now = startTime(String(pid))
  return now !== undefined && (start === '' || now === start)
}

function startTime(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name (field 2) is in parentheses and may hold blanks and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
