/**
 * From a process with environment and stdin to one call of a handler, and back to one JSON
 * document on stdout and an exit code.
 */
import { CniCode, CniError, OWN_CODES, toCniError } from '../spec/errors.js'
import type { Host } from '../../host/host.js'
import type { PluginIo } from './io.js'
import type { Logger } from './log.js'
import type { Plugin, PluginCall } from './plugin.js'
import { mark } from '../../trace.js'
import type { CniResult, JsonObject, NetConf, Verb } from '../spec/types.js'
import { newest } from '../spec/version.js'

/**
 * Serves one call. Never rejects; the caller ends the process with the code that it gets,
 * at once, because a handler may still be at work when a signal came.
 *
 * @param makeHost the outside of this call; asked for when there is a handler to run, and closed
 *   when the answer is written
 * @returns the exit code: 0, or 1 after an error object was printed
 */
export async function runPlugin(
  plugin: Plugin,
  io: PluginIo,
  makeHost: () => Promise<Host>,
): Promise<number> {
  const cniVersion = newest(plugin.supportedVersions)
  const session: Session = { plugin, io, makeHost, cniVersion }
  let unwatch = (): void => undefined
  const fatal = new Promise<never>((_resolve, reject) => {
    unwatch = io.onFatal?.(reject) ?? unwatch
  })
  try {
    const output = await Promise.race([serve(session), fatal])
    if (output) io.stdout(encode(output))
    return 0
  } catch (thrown) {
    return fail(session, thrown)
  } finally {
    unwatch()
    session.host?.[Symbol.dispose]()
  }
}

/** What is known of a call by now; an error is printed with what there is. */
interface Session {
  plugin: Plugin
  io: PluginIo
  makeHost: () => Promise<Host>
  cniVersion: string
  host?: Host
  log?: Logger
}

/** @returns the document for stdout, if the verb has one */
async function serve(session: Session): Promise<JsonObject | undefined> {
  const { plugin, io } = session
  const command = io.env.CNI_COMMAND
  if (!command) {
    io.stderr(aboutText(plugin))
    return undefined
  }
  if (command === 'VERSION') return versionAnswer(session)
  // Beyond this line only: VERSION must cost as little as can be.
  const [request, { createLogger, logFile, parseLogLevel }, host] = await Promise.all([
    import('./request.js'),
    import('./log.js'),
    session.makeHost(),
  ])
  session.host = host
  request.checkFolders(host)
  const log = createLogger({
    file: logFile(host.logDir, plugin.name),
    host,
    onFailure: io.stderr,
    fields: logFields(session),
  })
  session.log = log
  const verb = request.readVerb(io.env)
  const json = request.readJson(io.stdin)
  const { cniVersion = '' } = json
  // From here on errors are in the caller's version, whatever else is wrong.
  session.cniVersion =
    plugin.supportedVersions.find((known) => known === cniVersion) ?? session.cniVersion
  const config = request.checkConfig(plugin, verb, json)
  const read = reader(verb, log)
  log.level = read('logLevel', () => parseLogLevel(config.logLevel)) ?? log.level
  const args = read('CNI_ARGS', () => request.readArgs(plugin, io.env)) ?? new Map()
  const path = request.readPath(io.env)
  mark('request')
  const prevResult = await readPrevResult(config, read)
  const outside = { host, log, args, path, ...(prevResult && { prevResult }) }
  return handle(plugin, toCall(io, verb, config, outside))
}

/**
 * Reads a part of a call. DEL goes on without one that is wrong: refusing to delete would keep the
 * container, and its addresses, for ever.
 */
type Read = <T>(what: string, parse: () => T) => T | undefined

function reader(verb: Verb, log: Logger): Read {
  return (what, parse) => {
    try {
      return parse()
    } catch (error) {
      if (verb !== 'DEL') throw error
      log.warn(`${what} is left aside`, { reason: toCniError(error).msg })
      return undefined
    }
  }
}

async function handle(plugin: Plugin, call: PluginCall): Promise<JsonObject | undefined> {
  const { command, log, cniVersion, host } = call
  const began = host.now()
  log.debug('begin')
  const handler = command.toLowerCase() as 'add' | 'del' | 'check' | 'gc' | 'status'
  let answer = await plugin[handler]?.(call)
  // A handler may answer with the module that has the real one.
  const inner = (answer as Record<string, unknown> | undefined)?.[handler]
  if (typeof inner === 'function') answer = await inner(call)
  const result = command === 'ADD' ? await toWire(answer, cniVersion) : undefined
  const ms = host.now() - began
  // A kubelet asks for STATUS every few seconds: not worth a line.
  log[command === 'STATUS' ? 'debug' : 'info']('done', { ms, result })
  return result
}

async function toWire(answer: unknown, cniVersion: string): Promise<JsonObject> {
  const { printResult } = await import('../spec/result.js')
  return printResult(answer as CniResult, cniVersion)
}

function fail({ io, cniVersion, log }: Session, thrown: unknown): number {
  const failure = toCniError(thrown)
  const error = asAnswer(io.env.CNI_COMMAND, failure)
  const { code, msg, details } = error
  const isOurs = failure.code === CniCode.Internal
  const stack = isOurs ? (thrown as Error | undefined)?.stack : undefined
  log?.error('failed', { code, error: msg, details, stack })
  try {
    io.stdout(encode(error.toJSON(cniVersion)))
  } catch (refusal) {
    io.stderr(`${msg}\nstdout cannot be written: ${String(refusal)}\n`)
  }
  return 1
}

// A runtime looks at STATUS for the two codes that mean "do not schedule here": whatever keeps it from
// looking keeps ADD from working too.
function asAnswer(command: string | undefined, error: CniError): CniError {
  if (command !== 'STATUS' || error.code < OWN_CODES) return error
  const { msg, details, cause } = error
  return new CniError(CniCode.NotAvailable, msg, details, { cause })
}

function encode(document: object): string {
  return JSON.stringify(document, null, 4) + '\n'
}

/** What a plug-in says about itself to people. */
export function aboutText({ name, version, about, supportedVersions }: Plugin): string {
  return (
    `${name} ${version}: ${about}\n` +
    `CNI protocol versions supported: ${supportedVersions.join(', ')}\n` +
    'A container runtime starts this program with CNI_COMMAND in the environment and a ' +
    `network config on stdin. To try it: CNI_COMMAND=VERSION ${name} </dev/null\n`
  )
}

/** Answers with the version that was asked in ("VERSION" in SPEC.md), ours when none was. */
function versionAnswer({ plugin, io, cniVersion }: Session): JsonObject {
  let asked: unknown
  try {
    asked = (JSON.parse(io.stdin()) as { cniVersion?: unknown } | null)?.cniVersion
  } catch {
    // Without a readable stdin the question is clear all the same.
  }
  return {
    cniVersion: typeof asked === 'string' && asked ? asked : cniVersion,
    supportedVersions: plugin.supportedVersions,
  }
}

function logFields({ plugin, io }: Session): Record<string, unknown> {
  const { CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, TRACEPARENT } = io.env
  return {
    plugin: plugin.name,
    command: CNI_COMMAND,
    containerId: CNI_CONTAINERID || undefined,
    netns: CNI_NETNS || undefined,
    ifname: CNI_IFNAME || undefined,
    // W3C Trace Context, which runtimes pass on: joins the line with theirs.
    traceparent: TRACEPARENT || undefined,
  }
}

function toCall(
  { env, stderr }: PluginIo,
  command: Verb,
  config: NetConf,
  outside: Pick<PluginCall, 'host' | 'log' | 'args' | 'path' | 'prevResult'>,
): PluginCall {
  const containerId = env.CNI_CONTAINERID ?? ''
  const ifname = env.CNI_IFNAME ?? ''
  return {
    command,
    containerId,
    netns: env.CNI_NETNS ?? '',
    ifname,
    stderr,
    config,
    cniVersion: config.cniVersion,
    owner: { network: config.name, containerId, ifname },
    ...outside,
  }
}

async function readPrevResult(
  { prevResult, cniVersion }: NetConf,
  read: Read,
): Promise<CniResult | undefined> {
  if (prevResult === undefined || prevResult === null) return undefined
  const { parseResult } = await import('../spec/result.js')
  return read('prevResult', () => parseResult(prevResult, cniVersion))
}
