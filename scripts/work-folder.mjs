// Folders for what is needed on the way: they are gone afterwards, whatever happened.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'

const folders = new Set()
let watching = false

function remove(folder) {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

// A signal ends a process without its `finally` blocks.
function watchForTheEnd() {
  if (watching) return
  watching = true
  process.on('exit', () => [...folders].forEach(remove))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
}

/**
 * Runs `job` with the path of a new folder and answers with what it gives, also as a promise. The
 * folder is removed when `job` ends, fails, or the process is told to end.
 *
 * @param {string} prefix path of the folder; the process's id and six characters are added to it
 * @param {(folder: string) => any} job
 */
export function withWorkFolder(prefix, job) {
  watchForTheEnd()
  mkdirSync(dirname(prefix), { recursive: true })
  const folder = mkdtempSync(`${prefix}${process.pid}-`)
  folders.add(folder)
  let result
  try {
    result = job(folder)
  } catch (error) {
    remove(folder)
    throw error
  }
  if (typeof result?.then === 'function') return result.finally(() => remove(folder))
  remove(folder)
  return result
}
