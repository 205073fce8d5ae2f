// What Node does at every start for somebody who is not there, and nothing can switch off. In the copy
// of Node that goes into the executable these functions return at once:
//
// - CpuProfiler::UseDetailedSourcePositionsForProfiling, called by node::SetIsolateMiscHandlers: notes
//   the source positions of all functions, those of the snapshot too, so that a CPU profile could name
//   lines inside of functions. A sixteenth of a start, and every function in a code cache is larger.
//   V8 finds the positions that a stack needs when it needs them.
// - BuiltinLoader::SaveCodeCache: makes a code cache of each of Node's own scripts that had to be
//   compiled (under our switches all that are not in the snapshot), for those who build Node or start
//   workers. A worker compiles them again.
import { changeFile, machineOf, placeOf } from './elf.mjs'

const FUNCTIONS = [
  '_ZN2v811CpuProfiler38UseDetailedSourcePositionsForProfilingEPNS_7IsolateE',
  '_ZN4node8builtins13BuiltinLoader13SaveCodeCacheERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEN2v85LocalINSA_4DataEEE',
]

/** The instruction `ret` by elf.h's number of the machine: EM_X86_64, EM_AARCH64. */
const RETURN = { 62: [0xc3], 183: [0xc0, 0x03, 0x5f, 0xd6] }

/**
 * Takes needless work out of a copy of Node's binary. Throws when a function is not found as the pinned
 * version has it.
 *
 * @param {string} binary path of a 64-bit little-endian ELF file with its symbols
 */
export function switchOffNeedlessWork(binary) {
  changeFile(binary, (file) => {
    const code = RETURN[machineOf(file.read)]
    if (code === undefined) throw new Error(`${binary}: for another machine`)
    for (const name of FUNCTIONS) returnAtOnce(binary, file, name, Buffer.from(code))
  })
}

function returnAtOnce(binary, { read, write }, name, instruction) {
  const at = placeOf(name, read)
  if (at === undefined) {
    throw new Error(`${binary}: ${name} is missing: look at this Node`)
  }
  if (read(at, instruction.length).equals(instruction)) {
    throw new Error(`${binary}: ${name} returns at once already`)
  }
  write(at, instruction)
}
