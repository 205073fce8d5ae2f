import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync } from 'node:fs'
import { readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce, ROOT } from './build-once.js'
import { currentBundle, isNewer, isNewest } from './bundle.js'
import { must } from './process.js'

/** This machine's architecture in names of archives. */
export const ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64'

// The scripts have no types.
const PACKER: string = '../../scripts/archive.mjs'
type Pack = (bundle: string, arch: string, out: string) => string

const RELEASE = join(ROOT, 'build', 'release')
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
}

/** The project's version, which the real archive has. */
export const VERSION = version

const nameOf = (its: string): string => `azure-vnet-cni-linux-${ARCH}-${its}.tgz`

/**
 * An archive as `npm run release` makes it, of the current bundle, with its SHA256SUMS beside it;
 * made once for all test files. It may not be changed: {@link copyRelease} makes one that may.
 */
export async function currentRelease(): Promise<string> {
  const bundle = await currentBundle()
  const archive = join(RELEASE, nameOf(VERSION))
  const parts = ['conf', 'scripts/archive.mjs']
  const isCurrent = () => isNewest(archive, parts) && isNewer(archive, bundle)
  await buildOnce('release', isCurrent, async () => {
    // Who waits sees a whole release or none.
    const fresh = `${RELEASE}.new`
    const content = join(fresh, 'content')
    rmSync(fresh, { recursive: true, force: true })
    cpSync(bundle, content, { recursive: true, verbatimSymlinks: true })
    const { pack } = (await import(PACKER)) as { pack: Pack }
    pack(content, process.arch, fresh)
    rmSync(content, { recursive: true })
    await sumUp(fresh)
    rmSync(RELEASE, { recursive: true, force: true })
    renameSync(fresh, RELEASE)
  })
  return archive
}

/** How a copy differs from the real archive. */
export interface CopyOptions {
  /** Version in its name. */
  version?: string
  /** Changes the unpacked files before they are packed again. */
  change?: (folder: string) => void
}

/** Copies the real archive into a folder, with a line in SHA256SUMS; answers with its path. */
export async function copyRelease(
  folder: string,
  { version: its = VERSION, change }: CopyOptions = {},
): Promise<string> {
  const real = await currentRelease()
  mkdirSync(folder, { recursive: true })
  const archive = join(folder, nameOf(its))
  if (change) {
    const content = mkdtempSync(join(folder, 'content-'))
    await must('tar', ['-xzf', real, '-C', content])
    change(content)
    await must('tar', ['-C', content, '-I', 'gzip -1', '-cf', archive, '.'])
    rmSync(content, { recursive: true })
  } else {
    cpSync(real, archive)
  }
  await sumUp(folder)
  return archive
}

/**
 * Makes the unpacked program another file that does the same: byte 15 of an ELF file means
 * nothing.
 */
export function otherProgram(folder: string): void {
  const file = openSync(join(folder, 'vnet-cni'), 'r+')
  writeSync(file, Buffer.from([1]), 0, 1, 15)
  closeSync(file)
}

/** Writes SHA256SUMS for all archives in a folder. */
export async function sumUp(folder: string): Promise<void> {
  await must('sh', ['-c', 'sha256sum *.tgz > SHA256SUMS'], { cwd: folder })
}
