/**
 * A plug-in as the process that this is.
 */
import { runPlugin } from '../cni/plugin/dispatch.js'
import { worldIo } from '../cni/plugin/io.js'
import type { Plugin } from '../cni/plugin/plugin.js'
import { processWorld, type World } from '../host/world.js'
import { mark, writeMarks } from '../trace.js'

/** Serves the one call of this process, and ends it. Nothing runs afterwards. */
export async function pluginMain(
  plugin: Plugin,
  world: World = processWorld(),
): Promise<void> {
  const status = await runPlugin(plugin, worldIo(world), async () => {
    // Loaded for calls that reach a handler: VERSION must cost as little as can be.
    const { HostProcess, processHost } = await import('../host/process-host.js')
    return processHost(new HostProcess(world.pid), world.env)
  })
  mark('answer')
  writeMarks()
  world.exit(status)
}
