// One bundle, from the sources to the folder with executable, links and checksum.
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
import { compileAddon } from '../addon/compile.mjs'
import { makeExecutable } from './executable.mjs'
import { bundleFakeKernel, bundleJavaScript, writeLicences } from './javascript.mjs'
import { nodeLicence } from './node.mjs'
import { EXECUTABLE, PROGRAMS, root } from '../paths.mjs'
import { withWorkFolder } from '../work-folder.mjs'

/** SHA-256 of a file, in hex. */
export async function sha256(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/**
 * Makes the bundle of an architecture in a folder and answers with the executable's SHA-256
 * and whether it has a code cache. The folder is replaced in one step, so that a bundle that
 * is there is always whole; a build that fails leaves it as it was.
 */
export function makeBundle(job) {
  return withWorkFolder(join(root, 'build', 'bundle-'), (work) =>
    // Beside its place: a rename works within one file system only.
    withWorkFolder(`${job.out}.new-`, (beside) => makeIn(work, join(beside, 'new'), job)),
  )
}

async function makeIn(work, fresh, { arch, out, codeCache }) {
  // First what needs a compiler: without one it ends at once.
  const addon = compileAddon({ arch, small: true }, work)
  const { programs, packages, inputs } = await bundleJavaScript(work)
  const fakeKernel = await bundleFakeKernel(work)
  mkdirSync(fresh)
  const output = join(fresh, EXECUTABLE)
  const job = { arch, programs, packages, fakeKernel, addon, work, output, codeCache }
  const cached = makeExecutable(job)
  for (const name of PROGRAMS) symlinkSync(EXECUTABLE, join(fresh, name))
  const sum = await sha256(output)
  writeFileSync(join(fresh, `${EXECUTABLE}.sha256`), `${sum}  ${EXECUTABLE}\n`)
  writeLicences(join(fresh, 'LICENSES.txt'), inputs, nodeLicence(arch))
  rmSync(out, { recursive: true, force: true })
  renameSync(fresh, out)
  return { sum, cached }
}
