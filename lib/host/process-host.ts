/**
 * The Host of this process: the real namespace, folders, locks, clock and network.
 */
import { addon } from '../binding.js'
import { NetNs } from '../netlink/netns.js'
import { bootId } from './boot-id.js'
import type { Host } from './host.js'
import { Locks } from './lock.js'
import {
  AZURE_DIR_VARIABLE,
  DEFAULT_AZURE_DIR,
  DEFAULT_RUN_DIR,
  RUN_DIR_VARIABLE,
  DEFAULT_KEEP_DIR,
  DEFAULT_LOG_DIR,
  DEFAULT_STATE_DIR,
  folder,
  KEEP_DIR_VARIABLE,
  LOG_DIR_VARIABLE,
  STATE_DIR_VARIABLE,
} from './paths.js'
import { Calls, type CallId } from './process-id.js'
import type { Environment } from './world.js'

/** What the calls of one process have in common. */
export class HostProcess {
  readonly calls: Calls
  readonly locks = new Locks(() => addon().lockFile)

  /** @param pid number of this process */
  constructor(pid: number) {
    this.calls = new Calls(pid)
  }
}

/** The Host of one call in this process. Nothing is opened or looked up before it is needed. */
export function processHost(shared: HostProcess, env: Environment): Host {
  let current: NetNs | undefined
  let self: CallId | undefined
  let isEnded = false
  return {
    current: () => (current ??= NetNs.current()),
    open: (path) => NetNs.open(path),
    env,
    get stateDir() {
      return folder(env, STATE_DIR_VARIABLE, DEFAULT_STATE_DIR)
    },
    get keepDir() {
      return folder(env, KEEP_DIR_VARIABLE, DEFAULT_KEEP_DIR)
    },
    get azureDir() {
      return folder(env, AZURE_DIR_VARIABLE, DEFAULT_AZURE_DIR)
    },
    get runDir() {
      return folder(env, RUN_DIR_VARIABLE, DEFAULT_RUN_DIR)
    },
    get logDir() {
      return folder(env, LOG_DIR_VARIABLE, DEFAULT_LOG_DIR)
    },
    get self() {
      return (self ??= shared.calls.begin())
    },
    isRunning: (call) => shared.calls.isRunning(call),
    checkpoint() {
      if (isEnded) throw new Error('the call was given up before it ended')
    },
    bootId,
    now: () => Date.now(),
    lock: (path, options) => shared.locks.take(path, options),
    http: async (url, options) => (await import('./http.js')).getText(url, options),
    exec: async (request) => (await import('./exec.js')).execProgram(request),
    [Symbol.dispose]() {
      isEnded = true
      if (self) shared.calls.end(self)
      current?.close()
      current = undefined
    },
  }
}
