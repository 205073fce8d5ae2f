import { constants, accessSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { AzureHost } from './azure-host.js'
import { DEFAULT_TIMEOUT_MS, type Outcome } from './process.js'

/** One port mapping as the `portMappings` capability has it. */
export interface PortMapping {
  hostPort: number
  containerPort: number
  protocol?: 'tcp' | 'udp' | 'sctp'
  hostIP?: string
}

/** One plug-in's object in a list. */
export interface PluginConf {
  type: string
  capabilities?: Record<string, boolean>
  [key: string]: unknown
}

/** A network configuration list as it is in a file. */
export interface Conflist {
  cniVersion: string
  name: string
  plugins: PluginConf[]
  [key: string]: unknown
}

/** The result of an ADD, as far as tests look at it. */
export interface CniResult {
  cniVersion: string
  interfaces?: { name: string; mac?: string; sandbox?: string }[]
  ips?: { address: string; gateway?: string; interface?: number; version?: string }[]
  routes?: { dst: string; gw?: string }[]
  dns?: Record<string, unknown>
}

/** Settings of one ADD, CHECK or DEL. */
export interface CallOptions {
  /** Content of `CNI_ARGS`. */
  args?: string
  portMappings?: PortMapping[]
  /** Other capability arguments by their name. */
  capabilityArgs?: Record<string, unknown>
}

/** How to make a {@link CniRunner}. */
export interface CniRunnerOptions {
  host: AzureHost
  /** Folders with plug-ins. */
  cniPath: string | string[]
  /** The list itself or the path of its file. */
  conflist: Conflist | string
  /** Call DEL after a failed ADD, as runtimes do; off, so that a test sees what is left. */
  delAfterFailedAdd?: boolean
  /** Leave `capabilities` in what plug-ins read: the Go library does, the spec forbids it. */
  keepCapabilities?: boolean
  /** Added to the environment of plug-ins. */
  env?: Record<string, string>
  timeoutMs?: number
}

/** A plug-in failed, said so in another way than the specification wants, or was killed. */
export class CniError extends Error {
  override name = 'CniError'
  /** The plug-in's own error code; absent when it printed no error object. */
  readonly code: number | undefined
  readonly msg: string | undefined
  readonly details: string | undefined
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string

  constructor(
    readonly command: string,
    readonly plugin: string,
    outcome: Outcome,
  ) {
    const told = parseObject(outcome.stdout)
    const text = (key: string): string | undefined =>
      typeof told?.[key] === 'string' ? told[key] : undefined
    const msg = text('msg')
    const status = outcome.signal ?? `status ${outcome.code}`
    super(`${plugin} ${command}: ${msg ?? (outcome.stderr.trim() || status)}`)
    this.code = typeof told?.['code'] === 'number' ? told['code'] : undefined
    this.msg = msg
    this.details = text('details')
    this.exitCode = outcome.code
    this.signal = outcome.signal
    this.stdout = outcome.stdout
    this.stderr = outcome.stderr
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function findPlugin(folders: readonly string[], type: string): string {
  for (const folder of folders) {
    const path = join(folder, type)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Perhaps in the next folder.
    }
  }
  throw new Error(`no plug-in ${type} in ${folders.join(delimiter)}`)
}

/** Whether this version hands the last result to DEL and has CHECK. */
function hasCachedResult(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 0 || minor >= 4
}

/** A small container runtime: runs a list's plug-ins as the Go library does. */
export class CniRunner {
  readonly host: AzureHost
  readonly conflist: Conflist
  readonly #folders: string[]
  readonly #options: CniRunnerOptions
  readonly #results = new Map<string, CniResult>()

  constructor(options: CniRunnerOptions) {
    this.host = options.host
    this.#options = options
    this.#folders = [options.cniPath].flat()
    this.conflist =
      typeof options.conflist === 'string'
        ? (JSON.parse(readFileSync(options.conflist, 'utf8')) as Conflist)
        : options.conflist
  }

  /** Runs the list in order and returns the last plug-in's result. */
  async add(
    containerId: string,
    netns: string,
    ifname = 'eth0',
    options: CallOptions = {},
  ): Promise<CniResult> {
    let previous: CniResult | undefined
    try {
      for (const plugin of this.conflist.plugins) {
        const config = this.configFor(plugin, options, previous)
        const call = { containerId, netns, ifname, args: options.args }
        previous = (await this.invoke('ADD', plugin.type, config, call)) as CniResult
      }
    } catch (error) {
      if (this.#options.delAfterFailedAdd)
        await this.del(containerId, netns, ifname, options).catch(() => {})
      throw error
    }
    if (!previous) throw new Error(`the list ${this.conflist.name} has no plug-in`)
    this.#results.set(`${containerId} ${ifname}`, previous)
    return previous
  }

  /** Runs the list backwards; the first failure ends it. */
  async del(
    containerId: string,
    netns: string,
    ifname = 'eth0',
    options: CallOptions = {},
  ): Promise<void> {
    const key = `${containerId} ${ifname}`
    const cached = hasCachedResult(this.conflist.cniVersion)
    const previous = cached ? this.#results.get(key) : undefined
    for (const plugin of this.conflist.plugins.toReversed()) {
      const config = this.configFor(plugin, options, previous)
      const call = { containerId, netns, ifname, args: options.args }
      await this.invoke('DEL', plugin.type, config, call)
    }
    this.#results.delete(key)
  }

  /** Runs CHECK in order, with the result of the ADD. */
  async check(
    containerId: string,
    netns: string,
    ifname = 'eth0',
    options: CallOptions = {},
  ): Promise<void> {
    const previous = this.#results.get(`${containerId} ${ifname}`)
    for (const plugin of this.conflist.plugins) {
      const config = this.configFor(plugin, options, previous)
      const call = { containerId, netns, ifname, args: options.args }
      await this.invoke('CHECK', plugin.type, config, call)
    }
  }

  /** What a plug-in of the list reads from standard input. */
  configFor(
    plugin: PluginConf,
    options: CallOptions = {},
    prevResult?: CniResult,
  ): Record<string, unknown> {
    const { capabilities = {}, ...own } = plugin
    const { portMappings, capabilityArgs = {} } = options
    const given = { ...capabilityArgs, ...(portMappings && { portMappings }) }
    const runtimeConfig = Object.fromEntries(
      Object.entries(given).filter(([name]) => capabilities[name] === true),
    )
    return {
      ...own,
      ...(this.#options.keepCapabilities && plugin.capabilities && { capabilities }),
      cniVersion: this.conflist.cniVersion,
      name: this.conflist.name,
      ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
      ...(prevResult && { prevResult }),
    }
  }

  /** Runs one plug-in inside the VM; returns what it printed, parsed. */
  async invoke(
    command: string,
    type: string,
    config: Record<string, unknown> | string,
    call: {
      containerId?: string
      netns?: string
      ifname?: string
      args?: string | undefined
    },
  ): Promise<unknown> {
    const outcome = await this.spawn(command, type, config, call)
    const failed = outcome.code !== 0
    const silent = command === 'ADD' && !parseObject(outcome.stdout)
    if (failed || silent) throw new CniError(command, type, outcome)
    return outcome.stdout.trim() === '' ? undefined : parseObject(outcome.stdout)
  }

  /** Runs one plug-in inside the VM and returns how it came out, good or bad. */
  spawn(
    command: string,
    type: string,
    config: Record<string, unknown> | string,
    call: {
      containerId?: string
      netns?: string
      ifname?: string
      args?: string | undefined
    },
  ): Promise<Outcome> {
    const { host } = this
    return host.exec(findPlugin(this.#folders, type), [], {
      input: typeof config === 'string' ? config : JSON.stringify(config),
      timeoutMs: this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: call.containerId ?? '',
        CNI_NETNS: call.netns ?? '',
        CNI_IFNAME: call.ifname ?? '',
        CNI_ARGS: call.args ?? '',
        CNI_PATH: this.#folders.join(delimiter),
        ...host.env,
        ...this.#options.env,
      },
    })
  }
}
