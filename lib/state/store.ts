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
import { bootId } from './boot-id.js'
import { fileOperation } from './errors.js'
import { withLock, type LockFile } from './lock.js'

/** What a store needs to know. */
export interface StoreOptions<T> {
  /** The document; its lock is `<path>.lock`, a damaged one goes to `<path>.bad`. */
  readonly path: string
  /** The data of a document that does not exist yet; a new value at every call. */
  readonly initial: () => T
  /** Tells whether what was read has the right shape; all shapes pass when absent. */
  readonly isValid?: (data: unknown) => data is T
  /** What to keep of data from an earlier boot; nothing when absent. */
  readonly surviveReboot?: (old: T) => T
  /** Gets a sentence for the log when a document was damaged. */
  readonly warn?: (message: string) => void
  /** Who this process is, for those who wait for the lock; its pid when absent. */
  readonly label?: string
  /** How long to wait for the lock, in milliseconds; 10000 when absent. */
  readonly lockTimeoutMs?: number
  /** Replaces the addon's lock, for tests. */
  readonly lockFile?: LockFile
  /** Replaces the kernel's boot id, for tests. */
  readonly bootId?: () => string
}

/** Version of the document's outer shape; any other counts as damaged. */
export const STORE_VERSION = 1

interface Loaded<T> {
  readonly data: T
  /** The file's text, when the data is what it says. */
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
   * the lock, so keep `fn` short and synchronous. Returns what `fn` returns; when `fn`
   * throws, nothing is written. Throws LockTimeoutError and StateError.
   */
  update<R>(fn: (data: T) => R): R {
    const { lockTimeoutMs: timeoutMs, lockFile } = this.#options
    const label = this.#options.label ?? `pid ${process.pid}`
    return withLock(`${this.path}.lock`, { timeoutMs, label, lockFile }, () => {
      const { data, text, problem } = this.#load()
      if (problem) this.#moveAside(problem)
      const before = text ?? this.#encode(data)
      const result = fn(data)
      const after = this.#encode(data)
      if (after !== before) this.#write(after)
      return result
    })
  }

  #load(): Loaded<T> {
    const { initial, surviveReboot, isValid } = this.#options
    const text = fileOperation('read', this.path, () => readIfExists(this.path))
    if (text === undefined) return { data: initial() }
    const document = parseDocument(text)
    if (typeof document === 'string') return { data: initial(), problem: document }
    if (text !== this.#valid && isValid && !isValid(document.data)) {
      return { data: initial(), problem: 'has data of a wrong shape' }
    }
    this.#valid = text
    const data = document.data as T
    if (document.bootId === this.#bootId()) return { data, text }
    return { data: surviveReboot ? surviveReboot(data) : initial() }
  }

  #bootId(): string {
    return (this.#options.bootId ?? bootId)()
  }

  #moveAside(problem: string): void {
    const bad = `${this.path}.bad`
    fileOperation('move aside', this.path, () => renameSync(this.path, bad))
    this.#options.warn?.(`state file ${this.path} ${problem}: moved to ${bad}`)
  }

  #encode(data: T): string {
    return `${JSON.stringify({ version: STORE_VERSION, bootId: this.#bootId(), data })}\n`
  }

  #write(text: string): void {
    fileOperation('write', this.path, () => replaceFile(this.path, text))
    this.#valid = text
  }
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function parseDocument(text: string): { bootId: string; data: unknown } | string {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return 'is not JSON'
  }
  if (typeof document !== 'object' || document === null) return 'is not an object'
  const { version, bootId: boot, data } = document as Record<string, unknown>
  if (version !== STORE_VERSION) return `has version ${JSON.stringify(version)}, not 1`
  if (typeof boot !== 'string' || data === undefined) return 'lacks bootId or data'
  return { bootId: boot, data }
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
