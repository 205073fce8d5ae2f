// Puts code and addon into a copy of Node, by pkg's SEA mode, and makes sure that they are in.
import { chmodSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { closeSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { nodeBinary } from './node.mjs'
import { EXEC_ARGV } from './flags.mjs'
import { root } from './paths.mjs'

const require = createRequire(import.meta.url)

/**
 * Makes the executable at a path that is not there yet.
 *
 * @param {{ arch: string, main: string, addon: string, output: string, codeCache: boolean }} job
 */
export async function makeExecutable({ arch, main, addon, output, codeCache }) {
  const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea')
  const temporary = mkdtempSync(join(root, 'build', 'pkg-'))
  const restore = arrange(temporary)
  try {
    await sea(main, {
      targets: [{ platform: 'linux', arch, nodeRange: 'node24', output }],
      nodePath: nodeBinary(arch),
      seaConfig: {
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        useCodeCache: codeCache,
        execArgv: EXEC_ARGV,
        // Flags that we chose, not ones that a runtime's environment happens to hold.
        execArgvExtension: 'none',
        assets: { addon },
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
