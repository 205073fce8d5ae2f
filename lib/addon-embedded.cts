import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import { writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Addon } from './binding.js'

// Takes the place of addon.cts in the single executable: the addon is part of the file, and the
// loader wants a file of its own. It gets one without a name, so that nobody else can write to
// it, put another in its place, or find it afterwards: it is gone with its descriptor.

/** What scripts/bundle/loader.cjs hands to the bundle; a rehearsal loads no addon. */
declare const embedded: {
  addon(): Uint8Array
  readonly process: Pick<NodeJS.Process, 'dlopen' | 'on'>
}

/** O_TMPFILE (asm-generic/fcntl.h: 020000000 | O_DIRECTORY); Node does not name it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

// A folder may be read-only or lie on a file system mounted noexec, as /run does on Debian. The
// executable's own folder cannot be noexec, but may be on a disk. The environment (TMPDIR) has
// no say.
function folders(): string[] {
  return ['/dev/shm', dirname(process.execPath), '/run', '/tmp', '/var/tmp']
}

/** A descriptor of a new file in the folder that has no name. */
function openNameless(folder: string): number {
  return openSync(folder, O_TMPFILE | constants.O_RDWR | constants.O_EXCL, 0o600)
}

/** The same for file systems that cannot do it: a file in a private folder, both removed at once. */
function openAndUnlink(folder: string): number {
  const own = mkdtempSync(join(folder, '.vnet-cni-'))
  try {
    const path = join(own, 'addon')
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    unlinkSync(path)
    return fd
  } finally {
    rmdirSync(own)
  }
}

function load(fd: number, bytes: Uint8Array): unknown {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
  const loaded = { exports: {} as Pick<Addon, 'exitNow'> }
  // By the descriptor, not by a path: this is the file that was written, whatever happened since.
  embedded.process.dlopen(loaded, `/proc/self/fd/${fd}`)
  // When all that JavaScript has to do is done: Node would take milliseconds to free what goes with
  // the process anyway.
  embedded.process.on('exit', loaded.exports.exitNow)
  return loaded.exports
}

/** Loads the addon that the executable carries. */
export function loadNative(): unknown {
  const bytes = embedded.addon()
  const refused: string[] = []
  for (const open of [openNameless, openAndUnlink]) {
    for (const folder of folders()) {
      let fd = -1
      try {
        fd = open(folder)
        return load(fd, bytes)
      } catch (error) {
        refused.push(`${folder}: ${(error as Error).message}`)
      } finally {
        if (fd >= 0) closeSync(fd)
      }
    }
  }
  throw new Error(
    'the addon found no folder to be loaded from; make /dev/shm or /tmp writable and ' +
      `mount it without noexec: ${refused.join('; ')}`,
  )
}
