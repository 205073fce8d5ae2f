import { constants } from 'node:os'

type Cleaner = () => void

const cleaners = new Set<Cleaner>()
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let installed = false

function runAll(): void {
  for (const clean of [...cleaners].reverse()) {
    cleaners.delete(clean)
    try {
      clean()
    } catch (error) {
      process.stderr.write(`clean-up failed: ${String(error)}\n`)
    }
  }
}

function install(): void {
  if (installed) return
  installed = true
  process.on('exit', runAll)
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      runAll()
      process.exit(128 + constants.signals[signal])
    })
  }
}

/**
 * Has `clean` called, synchronously, when this process ends or is told to end. Returns
 * a function that takes it off the list again.
 */
export function onProcessEnd(clean: Cleaner): () => void {
  install()
  cleaners.add(clean)
  return () => cleaners.delete(clean)
}
