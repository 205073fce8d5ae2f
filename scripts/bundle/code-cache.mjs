// V8's code cache for the bundled script, written by the Node that will read it.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { EXEC_ARGV } from './flags.mjs'
import { nodeBinary } from './node.mjs'
import { VERBS } from './rehearsal.cjs'
import { root } from '../paths.mjs'

const QEMU = { arm64: ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] }

// A code cache fits only the V8 that wrote it. That of another architecture runs in an
// emulator, where there is one; without it that bundle starts a few milliseconds slower.
function runnerOf(arch) {
  if (arch === process.arch) return [nodeBinary(arch)]
  const qemu = QEMU[arch] ?? []
  const there = qemu.length > 0 && spawnSync(qemu[0], ['--version']).status === 0
  return there ? [...qemu, nodeBinary(arch)] : undefined
}

/**
 * The caches for a part of our code as bytes, by verb: of a program those that its calls take, of
 * other parts one with every function, for any verb (''). None when that architecture cannot be
 * run here.
 *
 * @param {string} arch
 * @param {string} part path of the script
 * @param {string | undefined} program the program that it is a part for
 * @param {string} fakeKernel path of the script that calls are rehearsed with
 */
export function makeCodeCaches(arch, part, program, fakeKernel) {
  const runner = runnerOf(arch)
  if (!runner) return {}
  const make = (...rehearsal) => makeCache(runner, part, rehearsal)
  if (!program) return { '': make() }
  return Object.fromEntries(VERBS.map((verb) => [verb, make(program, verb, fakeKernel)]))
}

function makeCache(runner, part, rehearsal) {
  const output = `${basename(part)}.cache`
  const script = join(root, 'scripts', 'bundle', 'make-cache.cjs')
  const call = [...runner, ...EXEC_ARGV, script, basename(part), output, ...rehearsal]
  // No full path of the part, and nothing that a developer's environment or test runner asks of
  // Node (NODE_OPTIONS): both leave traces in the bytes.
  // The rehearsal's own folder is inside the part's, and goes with it.
  const cwd = dirname(part)
  execFileSync('env', ['-i', `TMPDIR=${cwd}`, ...call], { cwd })
  return readFileSync(join(dirname(part), output))
}
