/**
 * Entry of the programs: picks the plug-in, or the operator's commands, by the name that it was
 * called by, and loads that one alone.
 */
import { basename } from 'node:path'
import { pluginMain } from './cni/dispatch.js'
import type { Plugin } from './cni/plugin.js'

const PLUGINS: Record<string, () => Promise<{ default: Plugin }>> = {
  'azure-vnet': () => import('./plugins/azure-vnet/index.js'),
  'azure-vnet-ipam': () => import('./plugins/azure-vnet-ipam/index.js'),
  portmap: () => import('./plugins/portmap/index.js'),
  loopback: () => import('./plugins/loopback/index.js'),
}

/** Name of the program that has commands for operators. */
const CLI = 'vnet-cni'

/** Runs the program of that name as this process, and ends it. */
export async function main(
  name: string,
  args: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const called = basename(name)
  if (called === CLI) {
    const { cli } = await import('./cli/index.js')
    process.exit(await cli(args))
  }
  const load = PLUGINS[called]
  if (!load) {
    const known = [...Object.keys(PLUGINS), CLI].join(', ')
    process.stderr.write(`${name}: no such program: use ${known}\n`)
    process.exit(2)
  }
  const { default: plugin } = await load()
  await pluginMain(plugin)
}
