// Puts code and addon into a copy of Node, by pkg's SEA mode, and makes sure that they are in.
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { transformSync } from 'esbuild'
import { switchOffDeadlockChecks } from './deadlock-checks.mjs'
import { nodeBinary } from './node.mjs'
import { makeParts } from './parts.mjs'
import { switchOffNeedlessWork } from './needless-work.mjs'
import { PROGRAMS, root } from '../paths.mjs'

/**
 * Makes the executable at a path that is not there yet: Node with the loader as its blob, and
 * behind it the parts of our code, each with its cache, and the addon.
 *
 * @param {object} job
 * @param {string} job.arch
 * @param {Record<string, string>} job.programs texts of the programs, as javascript.mjs makes them
 * @param {Record<string, string>} job.packages paths of the packages set aside
 * @param {string} job.fakeKernel path of the script that the caches are made with
 * @param {string} job.addon
 * @param {string} job.work a folder inside the project, for what is needed on the way
 * @param {string} job.output
 * @param {boolean} job.codeCache
 * @returns whether there is a code cache in it
 */
export function makeExecutable({ arch, addon, work, output, ...sources }) {
  const tail = new Tail()
  const node = changedNode(arch, work)
  const { parts, cached } = makeParts({ arch, node, work, ...sources })
  for (const { name, code, cache } of parts) {
    const bytes = Buffer.from(code, 'utf8')
    // The loader takes the bytes for Latin-1.
    if (bytes.some((byte) => byte > 127)) throw new Error(`${name} is not plain ASCII`)
    tail.add(name, bytes, cache)
  }
  tail.add('addon', readFileSync(addon))
  const loader = join(work, LOADER)
  writeFileSync(loader, loaderFor(tail))
  inject({ arch, node, loader, work, output })
  appendFileSync(output, tail.bytes())
  return cached
}

const LOADER = 'loader.cjs'

// What stands behind the executable, and where.
class Tail {
  #pieces = []
  #length = 0
  #places = {}

  add(name, code, cache) {
    this.#places[name] = { code: this.#put(code), cache: cache && this.#put(cache) }
  }

  #put(bytes) {
    const place = [this.#length, bytes.length]
    this.#pieces.push(bytes)
    this.#length += bytes.length
    return place
  }

  bytes() {
    return Buffer.concat(this.#pieces)
  }

  /** A line for each part, as the loader reads them. */
  table() {
    const numbersOf = ([at, length]) => [this.#length - at, length]
    const lines = Object.entries(this.#places).map(([name, { code, cache }]) =>
      [name, ...numbersOf(code), ...(cache ? numbersOf(cache) : [0, 0])].join(':'),
    )
    return `\n${lines.join('\n')}\n`
  }
}

function loaderFor(tail) {
  const source = readFileSync(join(root, 'scripts', 'bundle', LOADER), 'utf8')
  const define = {
    PARTS: JSON.stringify(tail.table()),
    PROGRAMS: JSON.stringify(PROGRAMS),
  }
  return transformSync(source, { minify: true, define }).code
}

/** A copy of Node in the folder, without what only costs time. */
function changedNode(arch, work) {
  const node = join(work, 'node')
  copyFileSync(nodeBinary(arch), node)
  switchOffDeadlockChecks(node)
  switchOffNeedlessWork(node)
  return node
}

function inject({ arch, node, loader, work, output }) {
  const script = join(root, 'scripts', 'bundle', 'inject.mjs')
  execFileSync(process.execPath, [script, loader, node, output, arch], {
    env: environmentOfPkg(work),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  chmodSync(output, 0o755)
  checkInjection(output, arch)
}

// pkg runs `node` for the blob and `npx postject` from a folder below TMPDIR. The first must be
// of the version that the blob is for, and the second finds our pinned one only inside the
// project.
function environmentOfPkg(work) {
  const bin = join(work, 'bin')
  mkdirSync(bin)
  symlinkSync(nodeBinary(process.arch), join(bin, 'node'))
  const { NODE_OPTIONS: _, ...env } = process.env
  const path = [bin, join(root, 'node_modules', '.bin'), env.PATH]
  return { ...env, TMPDIR: work, PATH: path.join(delimiter) }
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
