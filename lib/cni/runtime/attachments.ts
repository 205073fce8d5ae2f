/**
 * What this host has attached by `vnet-cni attach`: one file for each attachment in the state
 * folder. DEL runs with the list that ADD ran with, even if the operator changed it meanwhile.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileOperation } from '../../host/errors.js'
import type { Host } from '../../host/host.js'
import type { Attachment } from './chain.js'
import { isObject } from '../spec/config.js'
import { parseList, type NetworkList } from './list.js'
import type { CniResult } from '../spec/types.js'

/** A record; written before ADD begins, so that a crash leaves something to clean up by. */
export interface AttachmentRecord {
  readonly list: NetworkList
  readonly attachment: Attachment
  /** `NAMESPACE/NAME` of the pod. */
  readonly pod: string
  /** Device and inode of the namespace: a path like /proc/PID may come to lead elsewhere. */
  readonly netnsId: string
  /** Absent until ADD has succeeded. */
  readonly result?: CniResult
}

/** Identity of the namespace at a path; empty when there is none. */
export function netnsId(path: string): string {
  try {
    const { dev, ino } = statSync(path)
    return `${dev}:${ino}`
  } catch {
    return ''
  }
}

/** The records in a folder. Methods throw StateError when the disk does not do as asked. */
export class Attachments {
  readonly #folder: string

  constructor(host: Pick<Host, 'stateDir'>) {
    this.#folder = join(host.stateDir, 'attachments')
  }

  /** Writes a record, whole or not at all. */
  save(record: AttachmentRecord): void {
    const path = this.#pathOf(record)
    fileOperation('write', path, () => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
      writeFileSync(`${path}.tmp`, `${JSON.stringify(record)}\n`, { mode: 0o600 })
      renameSync(`${path}.tmp`, path)
    })
  }

  /** Forgets a record; one that is gone is fine. */
  forget(record: AttachmentRecord): void {
    const path = this.#pathOf(record)
    fileOperation('remove', path, () => rmSync(path, { force: true }))
  }

  /** All records, in the order of their names; what cannot be understood is left out. */
  list(): AttachmentRecord[] {
    const names = fileOperation('read', this.#folder, () => readNames(this.#folder))
    return names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .flatMap((name) => {
        const path = join(this.#folder, name)
        const text = fileOperation('read', path, () => readFileSync(path, 'utf8'))
        return toRecord(text, path) ?? []
      })
  }

  #pathOf({ list, attachment }: AttachmentRecord): string {
    // No part can hold a slash, and only names of networks and interfaces a "@".
    const { containerId, ifname } = attachment
    return join(this.#folder, `${list.name}@${containerId}@${ifname}.json`)
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

function toRecord(text: string, path: string): AttachmentRecord | undefined {
  try {
    const json: unknown = JSON.parse(text)
    if (!isObject(json) || !isObject(json.attachment)) return undefined
    const { attachment } = json as unknown as AttachmentRecord
    const texts = ['containerId', 'netns', 'ifname', 'args'] as const
    if (!texts.every((key) => typeof attachment[key] === 'string')) return undefined
    parseList(json.list, path)
    return json as unknown as AttachmentRecord
  } catch {
    return undefined
  }
}
