// V8's code cache for the bundled script, written by the Node that will read it.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXEC_ARGV } from './flags.mjs'
import { nodeBinary } from './node.mjs'
import { root } from '../paths.mjs'

const QEMU = { arm64: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] }

// A code cache fits only the V8 that wrote it. That of another architecture runs in an
// emulator, where there is one; without it that bundle starts a few milliseconds slower.
function runnerOf(arch) {
  if (arch === process.arch) return [nodeBinary(arch)]
  const qemu = QEMU[arch] ?? []
  const there = qemu.length > 0 && spawnSync(qemu[0], ['--version']).status === 0
  return there ? [...qemu, nodeBinary(arch)] : undefined
}

/** The cache for a script as bytes; none when that architecture cannot be run here. */
export function makeCodeCache(arch, script) {
  const runner = runnerOf(arch)
  if (!runner) return Buffer.alloc(0)
  const output = `${script}.cache`
  const program = join(root, 'scripts', 'bundle', 'make-cache.cjs')
  const [command, ...args] = [...runner, ...EXEC_ARGV, program, script, output]
  execFileSync(command, args)
  return readFileSync(output)
}
