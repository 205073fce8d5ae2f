// Makes dist/release: one archive per architecture with the executable, its links and the
// network configuration list, as Azure's own archives have them, and SHA256SUMS.
//
//   node scripts/release.mjs [--arch x64|arm64|all] [--out DIR]
//
// The same commit gives the same bytes. DIR is replaced in one step: what fails changes nothing.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { archiveName, pack } from './archive.mjs'
import { makeBundle, sha256 } from './bundle/make.mjs'
import { ARCHITECTURES, root } from './paths.mjs'
import { withWorkFolder } from './work-folder.mjs'

async function makeRelease(work, wanted, out) {
  const fresh = join(work, 'new')
  mkdirSync(fresh)
  const sums = []
  for (const arch of wanted) {
    const content = join(work, arch)
    await makeBundle({ arch, out: content, codeCache: true })
    const name = pack(content, arch, fresh)
    sums.push(`${await sha256(join(fresh, name))}  ${name}\n`)
  }
  writeFileSync(join(fresh, 'SHA256SUMS'), sums.join(''))
  rmSync(out, { recursive: true, force: true })
  renameSync(fresh, out)
}

async function main() {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: 'all' },
      out: { type: 'string', default: join(root, 'dist', 'release') },
    },
  })
  const known = Object.keys(ARCHITECTURES)
  const wanted = values.arch === 'all' ? known : [values.arch]
  if (!wanted.every((arch) => known.includes(arch))) {
    throw new Error(`--arch ${values.arch}: use one of ${known.join(', ')}, all`)
  }
  const out = resolve(values.out)
  await withWorkFolder(`${out}.new-`, (work) => makeRelease(work, wanted, out))
  for (const arch of wanted) process.stdout.write(`${join(out, archiveName(arch))}\n`)
}

await main().catch((error) => {
  process.stderr.write(`release: ${error.message}\n`)
  process.exitCode = 1
})
