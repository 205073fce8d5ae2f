import { mkdirSync, rmSync } from 'node:fs'
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
  build: () => void,
): Promise<void> {
  const lock = join(ROOT, 'build', `${name}.lock`)
  for (let waited = 0; !isCurrent(); waited++) {
    if (takeLock(lock)) {
      try {
        if (!isCurrent()) build()
      } finally {
        rmSync(lock, { recursive: true })
      }
      if (!isCurrent()) throw new Error(`${name}: built, and yet not there or too old`)
    } else {
      if (waited > 600) throw new Error(`${lock} is left over: remove it`)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}

function takeLock(lock: string): boolean {
  mkdirSync(join(ROOT, 'build'), { recursive: true })
  try {
    mkdirSync(lock)
    return true
  } catch {
    return false
  }
}
