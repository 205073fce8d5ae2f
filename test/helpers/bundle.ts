import { execFileSync } from 'node:child_process'
import { constants, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce, ROOT } from './build-once.js'

const SCRIPTS = ['scripts/bundle', 'scripts/addon']
const SOURCES = ['lib', 'native', ...SCRIPTS, 'package.json', 'binding.gyp']

/** The programs of a bundle; each is a link to `vnet-cni`. */
export const PROGRAMS = ['azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback'] as const

// What sanitizers, fuzzers and tools are built in, perhaps at this moment.
const BUILDS = join(ROOT, 'native', 'build')

function newest(path: string): number {
  if (path === BUILDS) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const names = readdirSync(path)
  return Math.max(0, ...names.map((name) => newest(join(path, name))))
}

/** Whether a file is there and younger than all that goes into a bundle, and than `more`. */
export function isNewest(file: string, more: readonly string[] = []): boolean {
  if (!existsSync(file)) return false
  const built = statSync(file).mtimeMs
  return [...SOURCES, ...more].every((path) => newest(join(ROOT, path)) < built)
}

/** Whether a file is younger than the program of a bundle. */
export function isNewer(file: string, bundle: string): boolean {
  return statSync(file).mtimeMs >= newest(join(bundle, 'vnet-cni'))
}

function makeBundle(out: string): void {
  const script = join(ROOT, 'scripts', 'bundle.mjs')
  execFileSync(process.execPath, [script, '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/**
 * The folder of a bundle of this source; makes it unless it is there and younger than all that
 * goes into it.
 */
export async function currentBundle(): Promise<string> {
  const bundle = join(ROOT, 'dist', 'bundle')
  await buildOnce(
    'bundle',
    () => isNewest(join(bundle, 'vnet-cni')),
    () => makeBundle(bundle),
  )
  return bundle
}

/**
 * Puts the bundle's one file and its links into a new folder, far from the project, as an operator
 * does by hand; answers with the folder.
 */
export async function installBundle(folder: string): Promise<string> {
  const bundle = await currentBundle()
  mkdirSync(folder, { recursive: true })
  const target = join(folder, 'vnet-cni')
  copyFileSync(join(bundle, 'vnet-cni'), target, constants.COPYFILE_FICLONE)
  for (const name of PROGRAMS) symlinkSync('vnet-cni', join(folder, name))
  return folder
}
