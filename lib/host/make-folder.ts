/**
 * Making a folder with the folders above it.
 */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a folder and what is missing above it; one that is there is fine. Answers with the folders
 * that are new, the highest first. Throws what mkdir(2) answers with.
 *
 * Not mkdir's own `recursive`: in Node that never returns where the kernel answers ENOENT although
 * the parent is there, as in /proc.
 */
export function makeFolder(dir: string, mode = 0o755, mayMakeParent = true): string[] {
  try {
    mkdirSync(dir, { mode })
    return [dir]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return []
    if (code !== 'ENOENT' || !mayMakeParent) throw error
    const above = makeFolder(dirname(dir))
    return [...above, ...makeFolder(dir, mode, false)]
  }
}
