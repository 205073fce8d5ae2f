/**
 * Entry of the programs: picks the plug-in by the name that it was called by, and loads that one
 * alone.
 */
import { basename } from 'node:path'
import { aboutText, pluginMain } from './cni/dispatch.js'
import type { Plugin } from './cni/plugin.js'
import { mark } from './trace.js'
import { VERSION } from './version.js'

const PLUGINS: Record<string, () => Promise<{ default: Plugin }>> = {
  'azure-vnet': () => import('./plugins/azure-vnet/index.js'),
  'azure-vnet-ipam': () => import('./plugins/azure-vnet-ipam/index.js'),
  portmap: () => import('./plugins/portmap/index.js'),
  loopback: () => import('./plugins/loopback/index.js'),
}

/** What the executable is called when it is none of the plug-ins. */
const OWN_NAME = 'vnet-cni'

/**
 * Runs a plug-in as this process, and ends it.
 *
 * @param name what the process was called as: a plug-in's name, with or without a folder. By
 *   any other name the first of the arguments tells the plug-in.
 * @param args the arguments behind the name: `--version` and `--help` are for people; a runtime
 *   gives none
 */
export async function main(
  name: string,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  mark('main')
  const called = basename(name)
  const [program = '', option] = Object.hasOwn(PLUGINS, called) ? [called, ...args] : args
  const load = Object.hasOwn(PLUGINS, program) ? PLUGINS[program] : undefined
  if (!load) return explain(called, program)
  const { default: plugin } = await load()
  if (option === undefined) return pluginMain(plugin)
  if (isVersion(option)) say(`${plugin.name} ${VERSION}`)
  else if (isHelp(option)) say(aboutText(plugin).trimEnd())
  else fail(`${program}: unknown option ${option}; use --version or --help`)
}

const isVersion = (option: string) => option === '--version' || option === '-V'
const isHelp = (option: string) => option === '--help' || option === '-h'

// By the executable's own name a bare call asks for help; under a foreign name it is a mistake.
function explain(called: string, program: string): void {
  const names = Object.keys(PLUGINS).join(', ')
  if (isVersion(program))
    return say(`${OWN_NAME} ${VERSION} (Node ${process.versions.node})`)
  const isCall = Boolean(process.env['CNI_COMMAND'])
  if (isHelp(program) || (program === '' && called === OWN_NAME && !isCall)) {
    return say(
      `${OWN_NAME} ${VERSION}: CNI plug-ins for Azure virtual networks in one file\n` +
        `Plug-ins: ${names}\n` +
        `Call it by the name of one (a link to this file), or as ${OWN_NAME} NAME.\n` +
        'Options: --version, --help',
    )
  }
  fail(`${program || called}: no such plug-in; use ${names}`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function fail(text: string): void {
  process.stderr.write(`${text}\n`)
  process.exitCode = 2
}
