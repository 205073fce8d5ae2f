/** Runs a plug-in in this process on a fake machine. */
import { readFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runPlugin } from '../../dist/esm/cni/plugin/dispatch.js'
import type { Plugin } from '../../dist/esm/cni/plugin/plugin.js'
import type { FakeMachine } from './fake-host.js'

/** What a call gives beside what every call has. */
export interface PluginCallOptions {
  readonly command?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin: unknown
}

/** What came of a call. */
export interface PluginOutcome {
  readonly code: number
  /** What it printed; an empty object for nothing. */
  readonly json: Record<string, unknown>
  readonly stdout: string
  /** The lines of its log. */
  readonly log: readonly Record<string, unknown>[]
}

/** Makes one call of the container `c1`, whose namespace is /run/netns/c1. */
export async function callPlugin(
  machine: FakeMachine,
  plugin: Plugin,
  { command = 'ADD', env = {}, stdin }: PluginCallOptions,
): Promise<PluginOutcome> {
  const full = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/c1',
    CNI_IFNAME: 'eth0',
    CNI_PATH: '/opt/cni/bin',
    ...env,
  }
  const file = join(machine.folder, 'log', `${plugin.name}.log`)
  rmSync(file, { force: true })
  let stdout = ''
  const io = {
    env: full,
    stdin: () => (typeof stdin === 'string' ? stdin : JSON.stringify(stdin)),
    stdout: (text: string) => void (stdout += text),
    stderr: () => undefined,
  }
  const code = await runPlugin(plugin, io, async () => machine.call(full))
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  return {
    code,
    stdout,
    json: stdout ? (JSON.parse(stdout) as Record<string, unknown>) : {},
    log: lines.filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

/** What may stand where something else belongs. */
export const WRONG_VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  '',
  'nonsense',
  [],
  [null],
  {},
  { no: 'sense' },
]
