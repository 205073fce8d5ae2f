/**
 * What the operator's commands have in common: options, help, one line for an error, and exit
 * codes.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import type { Host } from '../host/host.js'
import { writeAll, type World } from '../host/world.js'

/** Exit codes of all commands. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** It failed; the reason is on stderr. */
  failed: 1,
  /** Wrong options; nothing was done. */
  usage: 2,
  /** Refused, because something is still in use; nothing was done. */
  refused: 3,
} as const

type Options = NonNullable<ParseArgsConfig['options']>

/** Values of the options, as `util.parseArgs` gives them. */
export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>

/** A command. */
export interface Command {
  readonly name: string
  /** One line. */
  readonly summary: string
  /** Everything after `vnet-cni NAME`, and the options one a line. */
  readonly usage: string
  /** `help` and `json` are added. */
  readonly options: Options
  /** Positional arguments, for the messages: `FILE`. */
  readonly positionals?: readonly string[]
  /** Does it; answers with the exit code. */
  run(call: CommandCall): Promise<number>
}

/** What a command works with. */
export interface CommandCall {
  readonly values: Values
  readonly positionals: readonly string[]
  readonly out: Output
  readonly host: Host
}

/** Where a command's words go. */
export interface Output {
  /** A line for people; silent with --json. */
  line(text: string): void
  /** The one document of --json; silent without. */
  json(document: unknown): void
  /** Words beside the answer, such as a warning. */
  warn(text: string): void
}

/** Wrong options: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A refusal: exit code 3. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** Runs a command with its arguments; never throws. Answers with the exit code. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  world: World,
): Promise<number> {
  // Known before the arguments are checked, so that their errors come in the right form.
  const isJson = args.includes('--json')
  try {
    const { values, positionals } = parse(command, args)
    if (values['help']) {
      const { name, usage, summary } = command
      const help = `vnet-cni ${name}: ${summary}\n\nusage: vnet-cni ${name} ${usage}\n`
      writeAll(world.streams.out, help)
      return EXIT.ok
    }
    const { HostProcess, processHost } = await import('../host/process-host.js')
    using host = processHost(new HostProcess(world.pid), world.env)
    return await command.run({ values, positionals, out: output(isJson, world), host })
  } catch (error) {
    return report(command, error, isJson, world)
  }
}

function parse(command: Command, args: readonly string[]) {
  const { name, options, positionals: names = [] } = command
  const help = `see vnet-cni ${name} --help`
  try {
    const parsed = parseArgs({
      args: [...args],
      options: {
        ...options,
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
      },
      allowPositionals: names.length > 0,
    })
    const values: Values = parsed.values
    const { positionals } = parsed
    if (!values['help'] && positionals.length !== names.length) {
      throw new UsageError(`expected ${names.join(' ') || 'no argument'}: ${help}`)
    }
    return { values, positionals }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const [first = ''] = (error as Error).message.split('. ')
    throw new UsageError(`${first}: ${help}`)
  }
}

function output(isJson: boolean, { streams }: World): Output {
  return {
    line: (text) => isJson || writeAll(streams.out, `${text}\n`),
    json: (document) => isJson && writeAll(streams.out, `${JSON.stringify(document)}\n`),
    warn: (text) => writeAll(streams.err, text),
  }
}

function report(
  command: Command,
  thrown: unknown,
  isJson: boolean,
  { streams }: World,
): number {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const exit =
    error.name === 'UsageError'
      ? EXIT.usage
      : error.name === 'RefusedError'
        ? EXIT.refused
        : EXIT.failed
  const { code, details } = error as { code?: unknown; details?: unknown }
  const words = details ? `${error.message} (${String(details)})` : error.message
  // One line: what scripts pass on and what a log keeps together.
  const line = words.trim().replaceAll(/\s*\n\s*/g, '; ')
  writeAll(streams.err, `vnet-cni ${command.name}: ${line}\n`)
  if (isJson) {
    const document = { error: { code, msg: error.message, details } }
    writeAll(streams.out, `${JSON.stringify(document)}\n`)
  }
  return exit
}

/** The value of an option that must be given. */
export function required(values: Values, name: string): string {
  const value = values[name]
  if (typeof value === 'string' && value !== '') return value
  throw new UsageError(`--${name} is missing: give it a value`)
}

/** The value of an option that may be given once. */
export function optional(values: Values, name: string): string | undefined {
  const value = values[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The values of an option that may be given often. */
export function repeated(values: Values, name: string): string[] {
  return [values[name] ?? []].flat().map(String)
}
