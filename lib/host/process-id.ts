/**
 * Calls by process and number: many calls can live in one process.
 */
import { readFileSync } from 'node:fs'

/** A process, told apart from later ones with the same number. */
export interface ProcessId {
  readonly pid: number
  /** Start time in clock ticks since boot (proc(5), stat field 22); empty when unknown. */
  readonly start: string
}

/** A call of a process. */
export interface CallId extends ProcessId {
  /** Number of the call in its process, from 1. */
  readonly call: number
}

/** The process with this number. */
export function processId(pid: number): ProcessId {
  return { pid, start: startTime(pid) ?? '' }
}

/** Whether the process still runs. */
export function isAlive({ pid, start }: ProcessId): boolean {
  const now = startTime(pid)
  return now !== undefined && (start === '' || now === start)
}

function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name (field 2) is in parentheses and may hold blanks and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** The calls of one process. */
export class Calls {
  readonly #pid: number
  readonly #running = new Set<number>()
  #own: ProcessId | undefined
  #last = 0

  /** @param pid number of this process */
  constructor(pid: number) {
    this.#pid = pid
  }

  /** Enters a new call; it runs until `end`. */
  begin(): CallId {
    this.#own ??= processId(this.#pid)
    const call = ++this.#last
    this.#running.add(call)
    return { ...this.#own, call }
  }

  /** The call is over, well or not. */
  end({ call }: CallId): void {
    this.#running.delete(call)
  }

  /**
   * Whether a call still runs. Of another process's calls it is known only whether the process
   * does: that process takes back what its own calls gave up.
   */
  isRunning(id: CallId): boolean {
    const own = (this.#own ??= processId(this.#pid))
    const isOurs = id.pid === own.pid && id.start === own.start
    return isOurs ? this.#running.has(id.call) : isAlive(id)
  }
}
