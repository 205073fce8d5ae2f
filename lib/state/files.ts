/**
 * The folder of the state files as a whole.
 */
import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileOperation } from '../host/errors.js'

/**
 * Removes the files and folders whose names are ours, then the folder itself if nothing else is in
 * it. Nothing to do when there is no such folder.
 *
 * @param removed told the path of each when it is gone
 * @throws StateError at the first that stays
 */
export function removeFiles(
  folder: string,
  ours: RegExp,
  removed: (path: string) => void,
): void {
  const names = list(folder).filter((name) => ours.test(name))
  for (const name of names) {
    const path = join(folder, name)
    fileOperation('remove', path, () => rmSync(path, { recursive: true, force: true }))
    removed(path)
  }
  if (names.length > 0 && list(folder).length === 0) {
    fileOperation('remove', folder, () => rmdirSync(folder))
  }
}

function list(folder: string): string[] {
  return fileOperation('read', folder, () => {
    try {
      return readdirSync(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}
