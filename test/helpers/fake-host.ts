/** A Host for tests of policy in this process: fake kernel, folder of its own, clock by hand. */
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { toError } from '../../dist/esm/errors.js'
import type { ExecOutcome, ExecRequest } from '../../dist/esm/host/exec.js'
import type { Host } from '../../dist/esm/host/host.js'
import { Locks } from '../../dist/esm/host/lock.js'
import {
  AZURE_DIR_VARIABLE,
  RUN_DIR_VARIABLE,
  folder,
  KEEP_DIR_VARIABLE,
  STATE_DIR_VARIABLE,
} from '../../dist/esm/host/paths.js'
import { Calls, type CallId } from '../../dist/esm/host/process-id.js'
import type { NetNs } from '../../dist/esm/index.js'
import { FakeKernel } from '../../dist/esm/testing/index.js'

/** What the calls of one fake machine have in common, and what a test may change. */
export class FakeMachine {
  readonly kernel = new FakeKernel()
  readonly host: NetNs
  readonly folder: string
  readonly calls = new Calls(process.pid)
  /** Namespaces that `open` finds by path; any other path is ENOENT as on the real host. */
  readonly namespaces = new Map<string, NetNs>()
  /** Milliseconds since the epoch. */
  nowMs = 1_700_000_000_000
  bootId = 'boot-1'
  /** Answers a GET; refuses it unless a test says otherwise. */
  http: (url: URL) => Promise<string> = async (url) => {
    throw Object.assign(new Error('cannot be reached: ECONNREFUSED'), {
      name: 'HttpError',
      kind: 'unreachable',
      url,
    })
  }
  /** Runs a program; there is none unless a test says otherwise. */
  exec: (request: ExecRequest) => Promise<ExecOutcome> = async () => ({
    status: null,
    signal: null,
    stdout: '',
    stderr: '',
    failure: 'ENOENT',
  })
  readonly #held = new Set<string>()
  readonly #locks = new Locks(() => (path) => {
    const failure = { op: 'lock', step: 0, extAck: '', attribute: '' }
    // ENOENT of open(2), EAGAIN of flock(2).
    if (!existsSync(dirname(path))) return { ...failure, syscall: 'open', errno: 2 }
    if (this.#held.has(path)) return { ...failure, syscall: 'flock', errno: 11 }
    this.#held.add(path)
    return { close: () => void this.#held.delete(path) }
  })

  constructor(folderPath = mkdtempSync(join(tmpdir(), 'vnet-cni-host-'))) {
    this.folder = folderPath
    for (const name of ['state', 'keep', 'azure', 'log']) {
      mkdirSync(join(folderPath, name), { recursive: true })
    }
    this.host = this.kernel.netns()
  }

  /** A namespace that `open(path)` finds. */
  pod(path: string): NetNs {
    const pod = this.kernel.netns()
    this.namespaces.set(path, pod)
    return pod
  }

  /** The Host of one call. */
  call(env: Record<string, string | undefined> = {}): Host {
    // Arrow functions keep this machine at hand inside the getters.
    const now = () => this.nowMs
    const boot = () => this.bootId
    const dir = (name: string) => join(this.folder, name)
    let self: CallId | undefined
    let current: NetNs | undefined
    let isEnded = false
    const begin = () => (self ??= this.calls.begin())
    return {
      current: () => (current ??= this.kernel.open(this.host)),
      open: (path) => this.#open(path),
      env,
      get stateDir() {
        return folder(env, STATE_DIR_VARIABLE, dir('state'))
      },
      get keepDir() {
        return folder(env, KEEP_DIR_VARIABLE, dir('keep'))
      },
      get azureDir() {
        return folder(env, AZURE_DIR_VARIABLE, dir('azure'))
      },
      get runDir() {
        return folder(env, RUN_DIR_VARIABLE, dir('run'))
      },
      logDir: dir('log'),
      get self() {
        return begin()
      },
      isRunning: (id) => this.calls.isRunning(id),
      checkpoint() {
        if (isEnded) throw new Error('the call was given up before it ended')
      },
      bootId: boot,
      now,
      lock: (path, options) => this.#locks.take(path, options),
      http: (url) => this.http(url),
      exec: (request) => this.exec(request),
      [Symbol.dispose]: () => {
        isEnded = true
        current?.close()
        if (self) this.calls.end(self)
      },
    }
  }

  // As the real host answers: with the error of opening a path that is not there.
  #open(path: string): NetNs {
    const pod = this.namespaces.get(path)
    if (pod) return this.kernel.open(pod)
    const failure = { op: 'netns.open', errno: 2, syscall: 'open', step: 0 }
    throw toError({ ...failure, extAck: '', attribute: '' }, [], path)
  }
}
