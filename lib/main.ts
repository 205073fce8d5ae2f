/**
 * Entry of the programs: picks the plug-in, or the operator's commands, by the name that it was
 * called by, and loads that one alone.
 */
import { basename } from 'node:path'
import { aboutText, pluginMain } from './cni/plugin/dispatch.js'
import type { Plugin } from './cni/plugin/plugin.js'
import { mark } from './trace.js'
import { VERSION } from './version.js'

const PLUGINS: Record<string, () => Promise<{ default: Plugin }>> = {
  'azure-vnet': () => import('./plugins/azure-vnet/index.js'),
  'azure-vnet-ipam': () => import('./plugins/azure-vnet-ipam/index.js'),
  portmap: () => import('./plugins/portmap/index.js'),
  loopback: () => import('./plugins/loopback/index.js'),
}

/**
 * Runs a program as this process, and ends it.
 *
 * @param name what the process was called as: a plug-in's name, with or without a folder. By any
 *   other name the first of the arguments tells the plug-in, or the operator's command.
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
  if (!load) {
    const { cli } = await import('./cli/index.js')
    process.exit(await cli(args, Object.keys(PLUGINS)))
  }
  const { default: plugin } = await load()
  if (option === undefined) return pluginMain(plugin)
  if (option === '--version' || option === '-V') say(`${plugin.name} ${VERSION}`)
  else if (option === '--help' || option === '-h') say(aboutText(plugin).trimEnd())
  else {
    process.stderr.write(
      `${program}: unknown option ${option}; use --version or --help\n`,
    )
    process.exitCode = 2
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
