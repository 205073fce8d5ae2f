/**
 * Entry of the programs: picks the plug-in, or the operator's commands, by the name that it was
 * called by, and loads that one alone.
 */
import { basename } from 'node:path'
import { aboutText } from './cni/plugin/dispatch.js'
import type { Plugin } from './cni/plugin/plugin.js'
import { processWorld, writeAll, type World } from './host/world.js'
import { pluginMain } from './plugins/process.js'
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
 *   other name the first of the arguments tells the plug-in, or the operator's command. The
 *   arguments behind it are for people (`--version`, `--help`); a runtime gives none.
 */
export async function main(name: string, world: World = processWorld()): Promise<void> {
  mark('main')
  const called = basename(name)
  const args = world.argv.slice(1)
  const [program = '', option] = Object.hasOwn(PLUGINS, called) ? [called, ...args] : args
  const load = Object.hasOwn(PLUGINS, program) ? PLUGINS[program] : undefined
  if (!load) {
    const { cli } = await import('./cli/index.js')
    return world.exit(await cli(args, Object.keys(PLUGINS), world))
  }
  const { default: plugin } = await load()
  if (option === undefined) return pluginMain(plugin, world)
  world.exit(answerPerson(plugin, program, option, world))
}

function answerPerson(
  plugin: Plugin,
  program: string,
  option: string,
  { streams }: World,
): number {
  if (option === '--version' || option === '-V') {
    writeAll(streams.out, `${plugin.name} ${VERSION}\n`)
    return 0
  }
  if (option === '--help' || option === '-h') {
    writeAll(streams.out, aboutText(plugin))
    return 0
  }
  const cure = 'use --version or --help'
  writeAll(streams.err, `${program}: unknown option ${option}; ${cure}\n`)
  return 2
}
