// Node's official binaries are built with a debugging aid of Abseil switched on: every lock of V8
// is entered into a graph of who waits for whom, to abort when two threads could wait for each
// other. Nobody can switch it off but by a call from C++ (absl::SetMutexDeadlockDetectionMode);
// release builds of Abseil have it off. It takes a sixth of a start, so its switch is put to "off" in
// the copy of Node that goes into the executable.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

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
  const fd = openSync(binary, 'r+')
  try {
    const read = (at, length) => {
      const bytes = Buffer.alloc(Number(length))
      readSync(fd, bytes, 0, bytes.length, Number(at))
      return bytes
    }
    const at = placeOf(SWITCH, read)
    const value = at === undefined ? undefined : read(at, 4).readInt32LE()
    if (value !== ABORT) {
      throw new Error(
        `${binary}: ${SWITCH} is ${value ?? 'missing'}, not ${ABORT}: look at this Node's Abseil`,
      )
    }
    const off = Buffer.alloc(4)
    off.writeInt32LE(IGNORE)
    writeSync(fd, off, 0, 4, at)
  } finally {
    closeSync(fd)
  }
}

const SHT_SYMTAB = 2

// Where a symbol's bytes stand in the file (elf.h: Elf64_Ehdr, Elf64_Shdr, Elf64_Sym).
function placeOf(name, read) {
  const header = read(0, 64)
  const sections = Array.from({ length: header.readUInt16LE(60) }, (_, i) => {
    const start = header.readBigUInt64LE(40) + BigInt(i * header.readUInt16LE(58))
    const entry = read(start, 64)
    return {
      type: entry.readUInt32LE(4),
      address: entry.readBigUInt64LE(16),
      offset: entry.readBigUInt64LE(24),
      size: entry.readBigUInt64LE(32),
      link: entry.readUInt32LE(40),
    }
  })
  const table = sections.find(({ type }) => type === SHT_SYMTAB)
  if (!table) return undefined
  const { offset, size } = sections[table.link]
  const names = read(offset, size)
  const wanted = names.indexOf(`\0${name}\0`) + 1
  if (wanted === 0) return undefined
  const symbols = read(table.offset, table.size)
  for (let at = 0; at < symbols.length; at += 24) {
    if (symbols.readUInt32LE(at) !== wanted) continue
    const section = sections[symbols.readUInt16LE(at + 6)]
    const address = symbols.readBigUInt64LE(at + 8)
    return section && Number(section.offset + (address - section.address))
  }
  return undefined
}
