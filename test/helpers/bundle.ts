import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = ['lib', 'native', 'scripts/bundle', 'package.json', 'binding.gyp']
const LOCK = join(ROOT, 'build', 'bundle.lock')

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
 * goes into it. Test files run side by side: one of them builds, the others wait.
 */
export async function currentBundle(): Promise<string> {
  const bundle = join(ROOT, 'dist', 'bundle')
  for (let waited = 0; !isCurrent(bundle); waited++) {
    if (takeLock()) {
      try {
        if (!isCurrent(bundle)) makeBundle(bundle)
      } finally {
        rmSync(LOCK, { recursive: true })
      }
    } else {
      if (waited > 600) throw new Error(`${LOCK} is left over: remove it`)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
  return bundle
}

function takeLock(): boolean {
  mkdirSync(join(ROOT, 'build'), { recursive: true })
  try {
    mkdirSync(LOCK)
    return true
  } catch {
    return false
  }
}
