/**
 * What this host has attached by `vnet-cni attach`: one file for each attachment in a folder that a
 * reboot keeps, because a restarted container is to get the ports that it had. DEL runs with what
 * ADD ran with, even if the operator changed the list meanwhile.
 */
import { readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileOperation } from '../../host/errors.js'
import type { Host } from '../../host/host.js'
import { makeFolder } from '../../host/make-folder.js'
import { flushFolder, replaceFile } from '../../state/replace-file.js'
import type { Owner } from '../spec/owner.js'
import {
  decodeRecord,
  encodeRecord,
  fileName,
  ownerOfFile,
  podOf,
  recordOwner,
  type AttachmentRecord,
} from './attachment-record.js'

/** A record that cannot be used, and what its file's name still tells. */
export interface DamagedRecord {
  readonly owner: Owner
  /** The pod, where that much could be read; undefined when it is not known. */
  readonly pod: string | undefined
  /** Where it is kept. */
  readonly file: string
}

/** All that is on record. */
export interface Recorded {
  readonly records: readonly AttachmentRecord[]
  readonly damaged: readonly DamagedRecord[]
}

const BAD = '.bad'

/** The records of a host. Methods throw StateError when the disk does not do as asked. */
export class Attachments {
  readonly #folder: string
  /** Where records were before they survived a reboot. */
  readonly #oldFolder: string
  readonly #bootId: () => string
  readonly #warn: (text: string) => void

  /** @param warn told of each record that is found to be damaged, in one line */
  constructor(
    host: Pick<Host, 'stateDir' | 'keepDir' | 'bootId'>,
    warn: (text: string) => void,
  ) {
    this.#folder = join(host.keepDir, 'attachments')
    this.#oldFolder = join(host.stateDir, 'attachments')
    this.#bootId = host.bootId
    this.#warn = warn
  }

  /** Writes a record: it is on disk, whole, when this returns. */
  save(record: AttachmentRecord): void {
    this.#write(fileName(recordOwner(record)), encodeRecord(record))
  }

  /** Forgets what is on record of an owner; nothing is fine. */
  forget(owner: Owner): void {
    const path = join(this.#folder, fileName(owner))
    for (const file of [path, path + BAD]) {
      fileOperation('remove', file, () => rmSync(file, { force: true, recursive: true }))
    }
  }

  /** All records, in the order of their names. A damaged one is renamed, told of, and listed. */
  list(): Recorded {
    this.#moveOldOnes()
    const records: AttachmentRecord[] = []
    for (const name of this.#names(this.#folder, '.json')) {
      const record = this.#read(name)
      if (record) records.push(record)
    }
    const known = new Set(records.map((record) => fileName(recordOwner(record))))
    const damaged = this.#names(this.#folder, `.json${BAD}`).flatMap((name) => {
      const owner = ownerOfFile(name.slice(0, -BAD.length))
      if (!owner || known.has(fileName(owner))) return []
      const file = join(this.#folder, name)
      return [{ owner, pod: podOf(readOrNothing(file)), file }]
    })
    return { records, damaged }
  }

  #read(name: string): AttachmentRecord | undefined {
    const path = join(this.#folder, name)
    const content = fileOperation('read', path, () => readIfThere(path))
    if (content === undefined) return undefined
    try {
      return decodeRecord(content, ownerOfFile(name), '')
    } catch (error) {
      const why = (error as Error).message
      fileOperation('move aside', path, () => renameSync(path, path + BAD))
      this.#warn(
        `the record ${path} is damaged: ${why}: kept as ${path}${BAD}, and only what its ` +
          'name tells is used\n',
      )
      return undefined
    }
  }

  /**
   * Takes over what the program before wrote into the folder of the state. That goes with a reboot,
   * so what is there is of this boot.
   */
  #moveOldOnes(): void {
    if (this.#oldFolder === this.#folder) return
    const names = this.#names(this.#oldFolder, '.json')
    for (const name of names) {
      const old = join(this.#oldFolder, name)
      const content = fileOperation('read', old, () => readIfThere(old))
      if (content === undefined) continue
      this.#write(name, this.#upToDate(content, name))
      fileOperation('remove', old, () => rmSync(old, { force: true, recursive: true }))
    }
    if (names.length > 0) removeIfEmpty(this.#oldFolder)
  }

  /** The text in this version's form; a damaged one as it is, for `list` to find. */
  #upToDate(content: string, name: string): string {
    try {
      return encodeRecord(decodeRecord(content, ownerOfFile(name), this.#bootId()))
    } catch {
      return content
    }
  }

  #write(name: string, content: string): void {
    const path = join(this.#folder, name)
    fileOperation('write', path, () => {
      // A new folder is on disk only when the one above it is.
      makeFolder(this.#folder, 0o700).forEach((made) => flushFolder(dirname(made)))
      replaceFile(path, content)
    })
  }

  #names(folder: string, ending: string): string[] {
    const all = fileOperation('read', folder, () => readNames(folder))
    return all.filter((name) => name.endsWith(ending)).sort()
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** A file's text; empty for a folder, undefined when another process took it away meanwhile. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    if (code === 'EISDIR') return ''
    throw error
  }
}

function readOrNothing(path: string): string {
  return fileOperation('read', path, () => readIfThere(path)) ?? ''
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Something else is in it, or another process was faster.
  }
}
