// Makes dist/bundle: one executable with Node, our code and the addon, and its links.
//
//   node scripts/bundle.mjs [--arch x64|arm64|all] [--reproducible]
//
// The default has V8's code cache, which differs from build to build in a few bytes; without
// it (--reproducible, and always for another architecture than this machine's) two bundles
// from one commit are equal byte for byte.
import { createHash } from 'node:crypto'
import {
  createReadStream,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { compileAddon } from './bundle/addon.mjs'
import { makeExecutable } from './bundle/executable.mjs'
import { bundleJavaScript, writeLicences } from './bundle/javascript.mjs'
import { nodeLicence } from './bundle/node.mjs'
import {
  ARCHITECTURES,
  bundleFolder,
  EXECUTABLE,
  PROGRAMS,
  workFolder,
} from './bundle/paths.mjs'

/** SHA-256 of a file, in hex. */
export async function sha256(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/**
 * Makes the bundle of an architecture in a folder and answers with the executable's SHA-256.
 * The folder is replaced in one step, so that a bundle that is there is always whole.
 */
export async function makeBundle({ arch, out = bundleFolder(arch), codeCache }) {
  const work = workFolder(arch)
  const { outfile: main, inputs } = await bundleJavaScript(work)
  const addon = compileAddon(arch, work)
  const fresh = `${out}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  const output = join(fresh, EXECUTABLE)
  await makeExecutable({ arch, main, addon, output, codeCache })
  for (const name of PROGRAMS) symlinkSync(EXECUTABLE, join(fresh, name))
  const sum = await sha256(output)
  writeFileSync(join(fresh, `${EXECUTABLE}.sha256`), `${sum}  ${EXECUTABLE}\n`)
  writeLicences(join(fresh, 'LICENSES.txt'), inputs, nodeLicence(arch))
  rmSync(out, { recursive: true, force: true })
  renameSync(fresh, out)
  return sum
}

async function main() {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch },
      reproducible: { type: 'boolean', default: false },
    },
  })
  const known = Object.keys(ARCHITECTURES)
  const wanted = values.arch === 'all' ? known : [values.arch]
  const unknown = wanted.filter((arch) => !known.includes(arch))
  if (unknown.length > 0) {
    throw new Error(`--arch ${unknown}: use one of ${known.join(', ')}, all`)
  }
  for (const arch of wanted) {
    // A code cache fits only the V8 that wrote it, and that runs on this machine.
    const codeCache = !values.reproducible && arch === process.arch
    const sum = await makeBundle({ arch, codeCache })
    const kind = codeCache ? 'with code cache' : 'reproducible, without code cache'
    process.stdout.write(`${bundleFolder(arch)}: ${arch}, ${kind}, sha256 ${sum}\n`)
  }
}

if (process.argv[1] === import.meta.filename) {
  await main().catch((error) => {
    process.stderr.write(`bundle: ${error.message}\n`)
    process.exitCode = 1
  })
}
