// Puts code and addon into a copy of Node, by pkg's SEA mode, and makes sure that they are in.
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { transformSync } from 'esbuild'
import { makeCodeCache } from './code-cache.mjs'
import { EXEC_ARGV } from './flags.mjs'
import { nodeBinary } from './node.mjs'
import { root } from '../paths.mjs'

const require = createRequire(import.meta.url)

/**
 * Makes the executable at a path that is not there yet: Node with the loader as its blob, and
 * behind it our code, its cache and the addon.
 *
 * @param {object} job
 * @param {string} job.arch
 * @param {string} job.main the bundled script
 * @param {string} job.addon
 * @param {string} job.work a folder inside the project, for what is needed on the way
 * @param {string} job.output
 * @param {boolean} job.codeCache
 * @returns whether there is a code cache in it
 */
export async function makeExecutable({ arch, main, addon, work, output, codeCache }) {
  const code = readFileSync(main)
  // The loader takes the bytes for Latin-1.
  if (code.some((byte) => byte > 127)) throw new Error(`${main} is not plain ASCII`)
  const cache = codeCache ? makeCodeCache(arch, main) : Buffer.alloc(0)
  const parts = [code, cache, readFileSync(addon)]
  const loader = join(work, LOADER)
  writeFileSync(loader, loaderFor(parts.map(({ length }) => length)))
  await inject({ arch, loader, work, output })
  appendFileSync(output, Buffer.concat(parts))
  return cache.length > 0
}

const LOADER = 'loader.cjs'

function loaderFor(lengths) {
  const source = readFileSync(join(root, 'scripts', 'bundle', LOADER), 'utf8')
  const names = ['CODE', 'CACHE', 'ADDON']
  const text = names.reduce(
    (before, name, i) => before.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), lengths[i]),
    source,
  )
  return transformSync(text, { minify: true }).code
}

async function inject({ arch, loader, work, output }) {
  const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea')
  const restore = arrange(work)
  try {
    await sea(loader, {
      targets: [{ platform: 'linux', arch, nodeRange: 'node24', output }],
      nodePath: nodeBinary(arch),
      seaConfig: {
        // The blob holds this text. A full path would differ from checkout to checkout; pkg
        // works two folders below TMPDIR.
        main: join('..', '..', LOADER),
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        useCodeCache: false,
        execArgv: EXEC_ARGV,
        // Switches that we chose, not ones that a runtime's environment happens to hold.
        execArgvExtension: 'none',
      },
    })
  } finally {
    restore()
  }
  chmodSync(output, 0o755)
  checkInjection(output, arch)
}

// pkg runs `node` for the blob and `npx postject` from a folder below TMPDIR. The first must be
// of the version that the blob is for, and the second finds our pinned one only inside the
// project.
function arrange(work) {
  const { TMPDIR, PATH } = process.env
  const bin = join(work, 'bin')
  mkdirSync(bin)
  symlinkSync(nodeBinary(process.arch), join(bin, 'node'))
  process.env.TMPDIR = work
  process.env.PATH = [bin, join(root, 'node_modules', '.bin'), PATH].join(delimiter)
  return () => {
    process.env.PATH = PATH
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
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
