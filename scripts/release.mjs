// Makes dist/release: one archive per architecture with the executable, its links and the
// network configuration list, as Azure's own archives have them, and SHA256SUMS.
//
//   node scripts/release.mjs [--arch x64|arm64|all] [--out DIR]
//
// The same commit gives the same bytes: names are sorted, owners and times are fixed.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeBundle, sha256 } from './bundle/make.mjs'
import { ARCHITECTURES, root } from './paths.mjs'

const CONFLIST = '10-azure.conflist'
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Packs a bundle's folder; answers with the archive's name. */
export function pack(bundle, arch, out) {
  const name = `azure-vnet-cni-linux-${ARCHITECTURES[arch]}-${version}.tgz`
  const tar = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  const more = ['--format=ustar', '--mode=go-w', '-C', bundle, '-cf', '-', '.']
  // In two steps: gzip's header would hold the time otherwise.
  const command = 'tar "$@" | gzip -n -6 > "$OUT"'
  execFileSync('sh', ['-c', `set -e; ${command}`, 'pack', ...tar, ...more], {
    env: { ...process.env, OUT: join(out, name) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return name
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
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  const sums = []
  for (const arch of wanted) {
    const content = join(out, arch)
    await makeBundle({ arch, out: content, codeCache: true })
    copyFileSync(join(root, 'conf', CONFLIST), join(content, CONFLIST))
    const name = pack(content, arch, out)
    sums.push(`${await sha256(join(out, name))}  ${name}\n`)
    rmSync(content, { recursive: true })
    process.stdout.write(`${join(out, name)}\n`)
  }
  writeFileSync(join(out, 'SHA256SUMS'), sums.join(''))
}

await main().catch((error) => {
  process.stderr.write(`release: ${error.message}\n`)
  process.exitCode = 1
})
