import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce, ROOT } from './build-once.js'

const SCRIPTS = ['scripts/bundle', 'scripts/addon']
const SOURCES = ['lib', 'native', ...SCRIPTS, 'package.json', 'binding.gyp']

/** The programs of a bundle; each is a link to `vnet-cni`. */
export const PROGRAMS = ['azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback'] as const

function newest(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const names = readdirSync(path)
  return Math.max(0, ...names.map((name) => newest(join(path, name))))
}

function isCurrent(bundle: string): boolean {
  const executable = join(bundle, 'vnet-cni')
  if (!existsSync(executable)) return false
  const built = statSync(executable).mtimeMs
  return SOURCES.every((path) => newest(join(ROOT, path)) < built)
}

/** Makes a bundle in a folder. */
export function makeBundle(out: string, ...options: string[]): void {
  const script = join(ROOT, 'scripts', 'bundle.mjs')
  execFileSync(process.execPath, [script, '--out', out, ...options], { stdio: 'ignore' })
}

/**
 * The folder of a bundle of this source; makes it unless it is there and younger than all that
 * goes into it.
 */
export async function currentBundle(): Promise<string> {
  const bundle = join(ROOT, 'dist', 'bundle')
  await buildOnce(
    'bundle',
    () => isCurrent(bundle),
    () => makeBundle(bundle),
  )
  return bundle
}
