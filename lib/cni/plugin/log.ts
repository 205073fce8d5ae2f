/**
 * The log of a plug-in: one JSON object a line, in a file of bounded size.
 *
 * Many processes write to one file. Each line is one write with O_APPEND, so lines never
 * mix; rotation is by rename under a lock file, so a line is never written twice or lost.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Host } from '../../host/host.js'
import { invalidConfig } from '../spec/errors.js'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** How grave a line is. */
export type LogLevel = (typeof LEVELS)[number]

/** A rotation that was begun this long ago (ms) was left behind by a dead process. */
const STALE_ROTATION = 10_000

/** What a plug-in says while it works. No method throws. */
export interface Logger {
  /** Lines below this level are dropped. */
  level: LogLevel
  debug(msg: string, fields?: Record<string, unknown>): void
  info(msg: string, fields?: Record<string, unknown>): void
  warn(msg: string, fields?: Record<string, unknown>): void
  error(msg: string, fields?: Record<string, unknown>): void
}

/** Settings of a log. */
export interface LogOptions {
  /** Full path of the file; older ones are `<file>.1`, `.2` and so on. */
  file: string
  /** Gives time and number of the process. */
  host: Pick<Host, 'now' | 'self'>
  level?: LogLevel
  /** Put into every line: plug-in, command, container. */
  fields?: Record<string, unknown>
  /** Size in bytes at which the file is rotated; 5 MB unless given. */
  maxBytes?: number
  /** How many files there are at most, the current one included; 8 unless given. */
  maxFiles?: number
  /** Told once when the log cannot be written. */
  onFailure?: (line: string) => void
}

/** Path of a plug-in's log: `/var/log/azure-vnet.log`. */
export function logFile(logDir: string, plugin: string): string {
  return join(logDir, `${plugin}.log`)
}

/** Reads the config's `logLevel`; `info` when absent, an error of code 7 when unknown. */
export function parseLogLevel(value: unknown): LogLevel {
  if (value === undefined || value === null || value === '') return 'info'
  const level = LEVELS.find((known) => known === value)
  if (!level) throw invalidConfig('logLevel', value, `use one of ${LEVELS.join(', ')}`)
  return level
}

/** Opens nothing yet: the file is touched by the first line that passes the level. */
export function createLogger(options: LogOptions): Logger {
  let failed = false
  const write = (level: LogLevel, msg: string, fields?: Record<string, unknown>) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(logger.level)) return
    try {
      append(options, format(level, options, { msg, ...fields }))
    } catch (error) {
      // A full disk must not keep a container from its network.
      if (!failed) options.onFailure?.(`log ${options.file}: ${String(error)}\n`)
      failed = true
    }
  }
  const logger: Logger = {
    level: options.level ?? 'info',
    debug: (msg, fields) => write('debug', msg, fields),
    info: (msg, fields) => write('info', msg, fields),
    warn: (msg, fields) => write('warn', msg, fields),
    error: (msg, fields) => write('error', msg, fields),
  }
  return logger
}

function format(
  level: LogLevel,
  { host, fields }: LogOptions,
  more: Record<string, unknown>,
): string {
  const time = isoTime(host.now())
  const line = { time, level, pid: host.self.pid, ...fields, ...more }
  return JSON.stringify(line, plain) + '\n'
}

/**
 * A time in UTC in the form of `toISOString`. That method is not used: its first call has V8 look up
 * the local time zone, which takes a quarter of a millisecond.
 *
 * @param ms milliseconds since the epoch
 */
export function isoTime(ms: number): string {
  const at = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  const date = [at.getUTCFullYear(), two(at.getUTCMonth() + 1), two(at.getUTCDate())]
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two)
  const fraction = String(at.getUTCMilliseconds()).padStart(3, '0')
  return `${date.join('-')}T${time.join(':')}.${fraction}Z`
}

/** What JSON has no form for. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!(value instanceof Error)) return value
  // Errors come first: an error of ours has a toJSON that leaves out the stack.
  return { name: value.name, message: value.message, stack: value.stack }
}

function append(options: LogOptions, line: string) {
  const { file, host, maxBytes = 5_000_000, maxFiles = 8 } = options
  const bytes = Buffer.byteLength(line)
  if (isFull(sizeOf(file), bytes, maxBytes)) {
    rotate({ file, maxFiles, maxBytes, more: bytes, nowMs: host.now() })
  }
  const fd = openForAppend(file)
  try {
    writeSync(fd, line)
  } finally {
    closeSync(fd)
  }
}

function openForAppend(file: string): number {
  try {
    return openSync(file, 'a', 0o640)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    mkdirSync(dirname(file), 0o755)
    return openSync(file, 'a', 0o640)
  }
}

/** In bytes; 0 for a file that is not there, in the middle of a rotation for example. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function isFull(size: number, more: number, maxBytes: number): boolean {
  return size > 0 && size + more > maxBytes
}

interface Rotation {
  readonly file: string
  readonly maxFiles: number
  readonly maxBytes: number
  /** Bytes that are about to come. */
  readonly more: number
  readonly nowMs: number
}

/**
 * Moves x.log to x.log.1 and the older ones one up. Where another process is at it, nothing
 * is done: the file may grow over its limit by the few lines of that moment.
 */
function rotate({ file, maxFiles, maxBytes, more, nowMs }: Rotation): void {
  const lock = `${file}.rotate`
  if (!takeLock(lock, nowMs)) return
  try {
    // Another process may have been here between our look at the size and the lock.
    if (!isFull(sizeOf(file), more, maxBytes)) return
    const pathOf = (i: number): string => (i === 0 ? file : `${file}.${i}`)
    rmSync(pathOf(maxFiles - 1), { force: true })
    for (let i = maxFiles - 2; i >= 0; i--) moveIfThere(pathOf(i), pathOf(i + 1))
  } finally {
    rmSync(lock, { force: true })
  }
}

function takeLock(lock: string, nowMs: number): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o640))
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  // Stale: cleared away here, taken by the next line that finds the file full.
  const age = nowMs - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Infinity)
  if (age > STALE_ROTATION) rmSync(lock, { force: true })
  return false
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
