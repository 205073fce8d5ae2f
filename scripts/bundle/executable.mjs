// Puts code and addon into a copy of Node, by pkg's SEA mode, and makes sure that they are in.
import { chmodSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { closeSync, statSync, writeFileSync } from 'node:fs'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { transformSync } from 'esbuild'
import { nodeBinary } from './node.mjs'
import { EXEC_ARGV } from './flags.mjs'
import { root } from './paths.mjs'

const require = createRequire(import.meta.url)

/**
 * Makes the executable at a path that is not there yet: Node with the loader as its blob, and
 * behind it our code, its cache and the addon.
 *
 * @param {{ arch: string, main: string, addon: string, output: string, codeCache: boolean }} job
 * @returns whether there is a code cache in it
 */
export async function makeExecutable({ arch, main, addon, output, codeCache }) {
  const code = readFileSync(main)
  // The loader takes the bytes for Latin-1.
  if (code.some((byte) => byte > 127)) throw new Error(`${main} is not plain ASCII`)
  const parts = [code, makeCache(codeCache && runnerOf(arch), main), readFileSync(addon)]
  const loader = join(dirname(main), 'loader.cjs')
  writeFileSync(loader, loaderFor(parts.map(({ length }) => length)))
  await inject({ arch, loader, output })
  appendFileSync(output, Buffer.concat(parts))
  return parts[1].length > 0
}

function loaderFor(lengths) {
  const source = readFileSync(join(root, 'scripts', 'bundle', 'loader.cjs'), 'utf8')
  const names = ['CODE', 'CACHE', 'ADDON']
  const text = names.reduce(
    (before, name, i) => before.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), lengths[i]),
    source,
  )
  return transformSync(text, { minify: true }).code
}

const QEMU = { arm64: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] }

// A code cache fits only the V8 that wrote it. That of another architecture runs in an
// emulator, where there is one; without it that bundle starts a few milliseconds slower.
function runnerOf(arch) {
  if (arch === process.arch) return [nodeBinary(arch)]
  const qemu = QEMU[arch] ?? []
  const there = qemu.length > 0 && spawnSync(qemu[0], ['--version']).status === 0
  return there ? [...qemu, nodeBinary(arch)] : undefined
}

function makeCache(runner, main) {
  if (!runner) return Buffer.alloc(0)
  const output = `${main}.cache`
  const program = join(root, 'scripts', 'bundle', 'make-cache.cjs')
  const [command, ...args] = [...runner, ...EXEC_ARGV, program, main, output]
  execFileSync(command, args)
  return readFileSync(output)
}

async function inject({ arch, loader, output }) {
  const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea')
  const temporary = mkdtempSync(join(root, 'build', 'pkg-'))
  const restore = arrange(temporary)
  try {
    await sea(loader, {
      targets: [{ platform: 'linux', arch, nodeRange: 'node24', output }],
      nodePath: nodeBinary(arch),
      seaConfig: {
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        useCodeCache: false,
        execArgv: EXEC_ARGV,
        // Flags that we chose, not ones that a runtime's environment happens to hold.
        execArgvExtension: 'none',
      },
    })
  } finally {
    restore()
    rmSync(temporary, { recursive: true, force: true })
  }
  chmodSync(output, 0o755)
  checkInjection(output, arch)
}

// pkg runs `node` for the blob and `npx postject` from a folder below TMPDIR. The first must be
// the Node that the blob is for, with the switches that it will run with, else V8 rejects the
// code cache; the second finds our pinned one only inside the project.
function arrange(temporary) {
  const { TMPDIR, PATH } = process.env
  const bin = join(temporary, 'bin')
  mkdirSync(bin)
  const line = [
    'exec',
    ...[nodeBinary(process.arch), ...EXEC_ARGV].map(quoted),
    '"$@"',
  ].join(' ')
  writeFileSync(join(bin, 'node'), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  process.env.TMPDIR = temporary
  process.env.PATH = [bin, join(root, 'node_modules', '.bin'), PATH].join(delimiter)
  return () => {
    process.env.PATH = PATH
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
}

function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`
}

// A failed injection is swallowed and leaves a plain Node. The fuse behind this text reads 1
// when the blob is in (Node's documentation, "Single executable applications").
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:'

function checkInjection(output, arch) {
  const grown = statSync(output).size - statSync(nodeBinary(arch)).size
  if (grown <= 0 || fuseOf(output) !== '1') {
    rmSync(output)
    throw new Error(`${output}: pkg did not put the code into the executable`)
  }
}

function fuseOf(file) {
  const fd = openSync(file, 'r')
  const size = 8 * 1024 * 1024
  const overlap = FUSE.length + 1
  const buffer = Buffer.alloc(size + overlap)
  try {
    for (let at = 0; ; at += size) {
      const length = readSync(fd, buffer, 0, buffer.length, at)
      const found = buffer.subarray(0, length).indexOf(FUSE)
      if (found >= 0) return String.fromCharCode(buffer[found + FUSE.length])
      if (length < buffer.length) return undefined
    }
  } finally {
    closeSync(fd)
  }
}
