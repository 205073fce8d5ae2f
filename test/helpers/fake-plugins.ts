/** Plug-ins of a fake machine: programs that note each call and answer as a test says. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command, Output } from '../../dist/esm/cli/command.js'
import type { ExecOutcome, ExecRequest } from '../../dist/esm/host/exec.js'
import type { FakeMachine } from './fake-host.js'

/** One call of a plug-in. */
export interface PluginCall {
  /** `ADD first`. */
  readonly name: string
  readonly env: ExecRequest['env']
  /** What was on stdin. */
  readonly config: Record<string, any>
}

/** The plug-ins in a folder of a {@link FakeMachine}. */
export class FakePlugins {
  readonly folder: string
  readonly calls: PluginCall[] = []
  /** Calls that fail, such as `DEL first`. */
  readonly failing = new Set<string>()
  /** Calls that never answer. */
  readonly hanging = new Set<string>()

  constructor(machine: FakeMachine, ...types: string[]) {
    this.folder = join(machine.folder, 'bin')
    mkdirSync(this.folder)
    this.install(...types)
    machine.exec = (request) => this.#run(request)
  }

  /** Puts programs into the folder. */
  install(...types: string[]): void {
    for (const type of types) writeFileSync(join(this.folder, type), '', { mode: 0o755 })
  }

  /** Takes a program away. */
  uninstall(type: string): void {
    rmSync(join(this.folder, type))
  }

  /** Names of the calls since the last time that this was asked. */
  names(): string[] {
    return this.calls.splice(0).map(({ name }) => name)
  }

  async #run({ file, env, input }: ExecRequest): Promise<ExecOutcome> {
    const type = basename(file)
    const name = `${env['CNI_COMMAND']} ${type}`
    this.calls.push({ name, env, config: JSON.parse(input) })
    if (this.hanging.has(name)) await new Promise(() => {})
    const isBad = this.failing.has(name)
    const answer = isBad
      ? { code: 11, msg: 'will not' }
      : { cniVersion: JSON.parse(input).cniVersion, dns: { domain: type } }
    const stdout = JSON.stringify(answer)
    return { status: Number(isBad), signal: null, stdout, stderr: '' }
  }
}

/** How a command came out. */
export interface CommandOutcome {
  readonly code: number | undefined
  readonly error: Error | undefined
  /** Lines for people, and the document of --json. */
  readonly lines: string[]
  readonly json: any
  readonly stderr: string
}

/** Runs an operator's command in this process. */
export async function callCommand(
  machine: FakeMachine,
  command: Command,
  ...args: string[]
): Promise<CommandOutcome> {
  const lines: string[] = []
  let json: unknown
  let stderr = ''
  const out: Output = {
    line: (text) => void lines.push(text),
    json: (document) => void (json = JSON.parse(JSON.stringify(document))),
    warn: (text) => void (stderr += text),
  }
  using host = machine.call()
  let code: number | undefined
  let error: Error | undefined
  try {
    const parsed = parseArgs({ args, options: command.options, allowPositionals: true })
    const { values, positionals } = parsed
    code = await command.run({ values, positionals, out, host })
  } catch (thrown) {
    error = thrown as Error
  }
  return { code, error, lines, json, stderr }
}
