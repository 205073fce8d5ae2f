/**
 * The folder of the state files as a whole, and files of ours in other folders.
 */
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileOperation } from '../host/errors.js'
import { makeFolder } from '../host/make-folder.js'

/** Whether there is a file or folder. */
export function isThere(path: string): boolean {
  return existsSync(path)
}

/**
 * Has a file of another program's folder say this, with the folders above it. True when it was not
 * there before. Throws StateError.
 */
export function putText(path: string, text: string): boolean {
  return fileOperation('write', path, () => {
    const wasThere = existsSync(path)
    if (wasThere && readFileSync(path, 'utf8') === text) return false
    makeFolder(dirname(path))
    writeFileSync(path, text)
    return !wasThere
  })
}

/** Removes files, where they are there. Throws StateError at the first that stays. */
export function removePaths(paths: readonly string[]): void {
  for (const path of paths) {
    fileOperation('remove', path, () => rmSync(path, { force: true }))
  }
}

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
