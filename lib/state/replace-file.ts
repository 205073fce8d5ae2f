/**
 * Writing a file so that a crash leaves the old text or the new, whole.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

/**
 * Puts a text in the place of a file: written beside it (`<path>.tmp`), flushed, renamed over it,
 * and the folder flushed. Two processes must not do this to one file at once. Throws what the
 * kernel answers with, as Node's `fs` does.
 */
export function replaceFile(path: string, text: string): void {
  const temporary = `${path}.tmp`
  try {
    writeNew(temporary, text)
    renameSync(temporary, path)
    // The new name is on disk only when its folder is.
    flushFolder(dirname(path))
  } catch (error) {
    discard(temporary)
    throw error
  }
}

// With "wx" the file is new and has the right mode, and a link that somebody put there is not
// followed. A crash may have left one; looking before each writing would cost every call.
function writeNew(path: string, text: string): void {
  const write = () =>
    withFile(path, 'wx', (fd) => {
      writeFileSync(fd, text)
      fsyncSync(fd)
    })
  try {
    write()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    rmSync(path)
    write()
  }
}

/** Has the names in a folder on disk when it returns. Throws as `replaceFile` does. */
export function flushFolder(path: string): void {
  withFile(path, 'r', fsyncSync)
}

function withFile(path: string, flags: string, use: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600)
  try {
    use(fd)
  } finally {
    closeSync(fd)
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The first error is the one to report.
  }
}
