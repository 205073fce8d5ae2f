/**
 * Entry of the programs: picks the plug-in by the name that it was called by, and loads that one
 * alone.
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

/** Runs the plug-in of that name as this process, and ends it. */
export async function main(name: string): Promise<void> {
  const load = PLUGINS[basename(name)]
  if (!load) {
    process.stderr.write(
      `${name}: no such plug-in; use ${Object.keys(PLUGINS).join(', ')}\n`,
    )
    process.exit(2)
  }
  const { default: plugin } = await load()
  await pluginMain(plugin)
}
