/**
 * A JSON document on disk that survives crashes and is shared by processes.
 */
import { linkSync, readFileSync, rmSync } from 'node:fs'
import { fileOperation } from '../host/errors.js'
import type { Host } from '../host/host.js'
import { replaceFile } from './replace-file.js'
import { Salvaged } from './salvage.js'

/** What a store takes from the Host. */
export type StoreHost = Pick<Host, 'lock' | 'bootId' | 'self'>

/** What a store needs to know. */
export interface StoreOptions<T> {
  readonly host: StoreHost
  /** The document; its lock is `<path>.lock`, a damaged one is kept as `<path>.bad`. */
  readonly path: string
  /** Version of the data's shape. */
  readonly version: number
  /** The data of a document that does not exist yet; a new value at every call. */
  readonly initial: () => T
  /**
   * Takes what was read for what it is: data of this version, or of an earlier one, which it
   * brings up to date. Of damaged data it answers with what can be used, as `Salvaged`; when
   * that is nothing, it throws an Error that says what is wrong: `bridges: …`.
   */
  readonly parse: (data: unknown, version: number) => T | Salvaged<T>
  /** What to keep of data from an earlier boot; nothing when absent. */
  readonly surviveReboot?: (old: T) => T
  /** Gets a sentence for the log when a document was damaged. */
  readonly warn?: (message: string) => void
  /** How long to wait for the lock, in milliseconds; 10000 when absent. */
  readonly lockTimeoutMs?: number
}

interface Loaded<T> {
  readonly data: T
  /** The file's text, when it holds the data, be it in an earlier version's form. */
  readonly text?: string
  /** Why the file is not used, or not all of it, when it is damaged. */
  readonly problem?: string
}

/**
 * The document `{version, bootId, data}` at a path. Every write is a new file that is
 * flushed and renamed over the old one, so a reader sees the old data or the new, whole.
 */
export class Store<T> {
  readonly #options: StoreOptions<T>
  /** The last text whose data had the right shape: looking at it again would say the same. */
  #valid: string | undefined

  constructor(options: StoreOptions<T>) {
    this.#options = options
  }

  /** The document's path. */
  get path(): string {
    return this.#options.path
  }

  /**
   * A snapshot, taken without the lock; the caller owns it. Of a damaged file it is what can be
   * used, else `initial()`; only `update` replaces the file, as a writer may have done so meanwhile.
   * Throws StateError when the file cannot be read.
   */
  read(): T {
    const { data, problem } = this.#load()
    if (problem) this.#options.warn?.(`state file ${this.path} ${problem}`)
    return data
  }

  /**
   * Reads the data, lets `fn` change it in place, and writes it if it differs: all under
   * the lock, so keep `fn` short and synchronous. A damaged file is kept aside and replaced.
   * Answers with what `fn` returns; when `fn` throws, nothing is written. Rejects with
   * LockTimeoutError and StateError.
   */
  async update<R>(fn: (data: T) => R): Promise<R> {
    const { host, lockTimeoutMs: timeoutMs } = this.#options
    const label = `pid ${host.self.pid}`
    const lock = await host.lock(`${this.path}.lock`, { timeoutMs, label })
    try {
      const { data, text, problem } = this.#load()
      if (problem) this.#keepAside(problem)
      // Of data that no file holds in this form, any change counts against what it is now.
      const before = text ?? this.#encode(data)
      const result = fn(data)
      const after = this.#encode(data)
      if (problem || after !== before) this.#write(after)
      return result
    } finally {
      lock.release()
    }
  }

  #load(): Loaded<T> {
    const { host, initial, surviveReboot } = this.#options
    const text = fileOperation('read', this.path, () => readIfExists(this.path))
    if (text === undefined) return { data: initial() }
    const document = parseDocument(text)
    if (typeof document === 'string') return { data: initial(), problem: document }
    const parsed = this.#parse(text, document)
    if (parsed instanceof Error) {
      return { data: initial(), problem: `cannot be used: ${parsed.message}` }
    }
    const survive = (old: T) => {
      if (document.bootId === host.bootId()) return old
      return surviveReboot ? surviveReboot(old) : initial()
    }
    if (parsed instanceof Salvaged) {
      const problem = `is damaged: ${parsed.damage.join('; ')}`
      return { data: survive(parsed.data), problem }
    }
    this.#valid = text
    const data = survive(parsed)
    // Against the text of an earlier version the data counts as changed: the next update writes it.
    return data === parsed ? { data, text } : { data }
  }

  #parse(text: string, { version, data }: Document): T | Salvaged<T> | Error {
    const { version: own, parse } = this.#options
    if (text === this.#valid && version === own) return data as T
    if (version > own) return new Error(`it has version ${version}, newer than ${own}`)
    try {
      return parse(data, version)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  // A second name for the file, which stays until the new one is whole: a crash in between loses
  // nothing of what can be used.
  #keepAside(problem: string): void {
    const bad = `${this.path}.bad`
    fileOperation('keep aside', this.path, () => {
      rmSync(bad, { force: true })
      linkSync(this.path, bad)
    })
    this.#options.warn?.(`state file ${this.path} ${problem}: moved to ${bad}`)
  }

  #encode(data: T): string {
    const { version, host } = this.#options
    return `${JSON.stringify({ version, bootId: host.bootId(), data })}\n`
  }

  #write(text: string): void {
    fileOperation('write', this.path, () => replaceFile(this.path, text))
    this.#valid = text
  }
}

interface Document {
  readonly version: number
  readonly bootId: string
  readonly data: unknown
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseDocument(text: string): Document | string {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return 'is not JSON'
  }
  if (typeof document !== 'object' || document === null) return 'is not an object'
  const { version, bootId, data } = document as Record<string, unknown>
  if (!Number.isSafeInteger(version) || Number(version) < 1) return 'lacks a version'
  if (typeof bootId !== 'string' || data === undefined) return 'lacks bootId or data'
  return { version: version as number, bootId, data }
}
