// Node's official binaries are built with a debugging aid of Abseil switched on: every lock of V8
// is entered into a graph of who waits for whom, to abort when two threads could wait for each
// other. Nobody can switch it off but by a call from C++ (absl::SetMutexDeadlockDetectionMode);
// release builds of Abseil have it off. It takes a sixth of a start, so its switch is put to "off" in
// the copy of Node that goes into the executable.
import { changeFile, placeOf } from './elf.mjs'

// absl/synchronization/mutex.cc: std::atomic<OnDeadlockCycle> synch_deadlock_detection, in an
// unnamed namespace; absl/synchronization/mutex.h: enum class OnDeadlockCycle.
const SWITCH = '_ZN4absl12_GLOBAL__N_124synch_deadlock_detectionE'
const IGNORE = 0
const ABORT = 2

/**
 * Switches the checks off in a copy of Node's binary. Throws when the switch is not found as the
 * pinned version has it.
 *
 * @param {string} binary path of a 64-bit little-endian ELF file with its symbols
 */
export function switchOffDeadlockChecks(binary) {
  changeFile(binary, ({ read, write }) => {
    const at = placeOf(SWITCH, read)
    const value = at === undefined ? undefined : read(at, 4).readInt32LE()
    if (value !== ABORT) {
      throw new Error(
        `${binary}: ${SWITCH} is ${value ?? 'missing'}, not ${ABORT}: look at this Node's Abseil`,
      )
    }
    const off = Buffer.alloc(4)
    off.writeInt32LE(IGNORE)
    write(at, off)
  })
}
