import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Makes something that is made once for all test files, unless it is there already. They run side
 * by side: one of them builds, the others wait.
 */
export async function buildOnce(
  name: string,
  isCurrent: () => boolean,
  build: () => void | Promise<void>,
): Promise<void> {
  const lock = join(ROOT, 'build', `${name}.lock`)
  while (!isCurrent()) {
    if (!takeLock(lock)) {
      await new Promise((resolve) => setTimeout(resolve, 1000))
      continue
    }
    try {
      if (!isCurrent()) await build()
    } finally {
      rmSync(lock, { force: true })
    }
    if (!isCurrent()) throw new Error(`${name}: built, and yet not there or too old`)
  }
}

/** Takes a lock that is free, or whose owner has ended without letting it go. */
function takeLock(lock: string): boolean {
  mkdirSync(join(ROOT, 'build'), { recursive: true })
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    if (isAbandoned(lock)) rmSync(lock, { force: true })
    return false
  }
}

function isAbandoned(lock: string): boolean {
  try {
    const owner = Number(readFileSync(lock, 'utf8'))
    return owner > 0 && !existsSync(`/proc/${owner}`)
  } catch {
    return false
  }
}
