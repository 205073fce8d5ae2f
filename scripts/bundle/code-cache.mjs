// What the Node that goes into the bundle says of our code: what its usual calls run, and V8's code
// cache.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXEC_ARGV } from './flags.mjs'
import { nodeBinary } from './node.mjs'
import { root } from '../paths.mjs'

const QEMU = { arm64: ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] }

// A code cache fits only the V8 that wrote it. That of another architecture runs in an
// emulator, where there is one; without it that bundle starts a few milliseconds slower.
function emulatorOf(arch) {
  if (arch === process.arch) return []
  const qemu = QEMU[arch] ?? []
  const there = qemu.length > 0 && spawnSync(qemu[0], ['--version']).status === 0
  return there ? qemu : undefined
}

/** Whether caches for an architecture can be made here. */
export const canMakeCaches = (arch) => emulatorOf(arch) !== undefined

// No full path of a part, and nothing that a developer's environment or test runner asks of Node
// (NODE_OPTIONS): both leave traces in the bytes. A rehearsal's own folder is inside the work folder,
// and goes with it.
function runIn(work, runner, script, args) {
  const call = [...runner, ...EXEC_ARGV, join(root, 'scripts', 'bundle', script), ...args]
  execFileSync('env', ['-i', `TMPDIR=${work}`, ...call], { cwd: work })
}

/**
 * What a program's usual call runs; the same on every architecture. The programs lie in the work folder
 * as PROGRAM-whole.cjs.
 *
 * @param {object} job
 * @param {string} job.work folder for what is needed on the way
 * @param {string} job.fakeKernel path of the script that the call is rehearsed with
 * @param {object} job.program as split.mjs has it
 * @param {string} job.name
 * @param {string} job.verb
 */
export function surveyCall({ work, fakeKernel, program, name, verb }) {
  writeFileSync(join(work, 'noting.cjs'), program.noting())
  const runner = [nodeBinary(process.arch)]
  const args = ['noting.cjs', 'survey.json', name, verb, fakeKernel]
  runIn(work, runner, 'survey.cjs', args)
  return JSON.parse(readFileSync(join(work, 'survey.json'), 'utf8'))
}

/**
 * The cache for a part of our code as bytes.
 *
 * @param {object} job
 * @param {string} job.arch
 * @param {string} job.node path of the Node that will read it
 * @param {string} job.work folder for what is needed on the way
 * @param {string} job.name the part's name
 * @param {string} job.code
 * @param {'all' | 'rest' | 'usual'} job.kind what is to be in it, as make-cache.cjs has it
 * @param {readonly string[]} [job.rehearsal] program, verb and fake kernel for the usual part
 */
export function makeCodeCache({ arch, node, work, name, code, kind, rehearsal = [] }) {
  writeFileSync(join(work, 'part.cjs'), code)
  const args = [kind, 'part.cjs', 'part.cache', `vnet-cni/${name}`, ...rehearsal]
  runIn(work, [...emulatorOf(arch), node], 'make-cache.cjs', args)
  return readFileSync(join(work, 'part.cache'))
}
