/**
 * A JSON document on disk that survives crashes and is shared by processes.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { fileOperation } from '../host/errors.js'
import type { Host } from '../host/host.js'

/** What a store takes from the Host. */
export type StoreHost = Pick<Host, 'lock' | 'bootId' | 'self'>

/** What a store needs to know. */
export interface StoreOptions<T> {
  readonly host: StoreHost
  /** The document; its lock is `<path>.lock`, a damaged one goes to `<path>.bad`. */
  readonly path: string
  /** Version of the data's shape. */
  readonly version: number
  /** The data of a document that does not exist yet; a new value at every call. */
  readonly initial: () => T
  /**
   * Takes what was read for what it is: data of this version, or of an earlier one, which it
   * brings up to date. Throws an Error that says what is wrong with it: `bridges: …`.
   */
  readonly parse: (data: unknown, version: number) => T
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
  /** Why the file was not used, when it was damaged. */
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
   * A snapshot, taken without the lock; the caller owns it. A damaged file reads as
   * `initial()` but is left where it is: only `update` may move it, as a writer may have
   * replaced it meanwhile. Throws StateError when the file cannot be read.
   */
  read(): T {
    const { data, problem } = this.#load()
    if (problem) this.#options.warn?.(`state file ${this.path} ${problem}: ignored`)
    return data
  }

  /**
   * Reads the data, lets `fn` change it in place, and writes it if it differs: all under
   * the lock, so keep `fn` short and synchronous. Answers with what `fn` returns; when `fn`
   * throws, nothing is written. Rejects with LockTimeoutError and StateError.
   */
  async update<R>(fn: (data: T) => R): Promise<R> {
    const { host, lockTimeoutMs: timeoutMs } = this.#options
    const label = `pid ${host.self.pid}`
    const lock = await host.lock(`${this.path}.lock`, { timeoutMs, label })
    try {
      const { data, text, problem } = this.#load()
      if (problem) this.#moveAside(problem)
      // Of data that no file holds in this form, any change counts against what it is now.
      const before = text ?? this.#encode(data)
      const result = fn(data)
      const after = this.#encode(data)
      if (after !== before) this.#write(after)
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
    this.#valid = text
    if (document.bootId !== host.bootId()) {
      return { data: surviveReboot ? surviveReboot(parsed) : initial() }
    }
    // Against the text of an earlier version the data counts as changed: the next update writes it.
    return { data: parsed, text }
  }

  #parse(text: string, { version, data }: Document): T | Error {
    const { version: own, parse } = this.#options
    if (text === this.#valid && version === own) return data as T
    if (version > own) return new Error(`it has version ${version}, newer than ${own}`)
    try {
      return parse(data, version)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #moveAside(problem: string): void {
    const bad = `${this.path}.bad`
    fileOperation('move aside', this.path, () => renameSync(this.path, bad))
    this.#options.warn?.(`state file ${this.path} ${problem}: moved to ${bad}`)
  }

  #encode(data: T): string {
    const { version, host } = this.#options
    return `${JSON.stringify({ version, bootId: host.bootId(), data })}
`
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
  if (!Number.isSafeInteger(version)) return 'lacks a version'
  if (typeof bootId !== 'string' || data === undefined) return 'lacks bootId or data'
  return { version: version as number, bootId, data }
}

function replaceFile(path: string, text: string): void {
  const temporary = `${path}.tmp`
  try {
    // A crash may have left one; "wx" then makes it anew with the right mode.
    rmSync(temporary, { force: true })
    withFile(temporary, 'wx', (fd) => {
      writeFileSync(fd, text)
      fsyncSync(fd)
    })
    renameSync(temporary, path)
    // The new name is on disk only when its folder is.
    withFile(dirname(path), 'r', fsyncSync)
  } catch (error) {
    discard(temporary)
    throw error
  }
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
