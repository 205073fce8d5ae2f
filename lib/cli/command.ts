/**
 * What the operator's commands have in common: options, help, one line for an error, and exit
 * codes.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { writeAll } from '../cni/plugin/io.js'

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
  run(values: Values, positionals: readonly string[], out: Output): Promise<number>
}

/** Where a command's words go. */
export interface Output {
  /** A line for people; silent with --json. */
  line(text: string): void
  /** The one document of --json; silent without. */
  json(document: unknown): void
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
): Promise<number> {
  // Known before the arguments are checked, so that their errors come in the right form.
  const isJson = args.includes('--json')
  try {
    const { values, positionals } = parse(command, args)
    if (values['help']) {
      const { name, usage, summary } = command
      writeAll(1, `vnet-cni ${name}: ${summary}\n\nusage: vnet-cni ${name} ${usage}\n`)
      return EXIT.ok
    }
    return await command.run(values, positionals, output(isJson))
  } catch (error) {
    return report(command, error, isJson)
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

function output(isJson: boolean): Output {
  return {
    line: (text) => isJson || writeAll(1, `${text}\n`),
    json: (document) => isJson && writeAll(1, `${JSON.stringify(document)}\n`),
  }
}

function report(command: Command, thrown: unknown, isJson: boolean): number {
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
  writeAll(2, `vnet-cni ${command.name}: ${words.trim().replaceAll(/\s*\n\s*/g, '; ')}\n`)
  if (isJson)
    writeAll(1, `${JSON.stringify({ error: { code, msg: error.message, details } })}\n`)
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
