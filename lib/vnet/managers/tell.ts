/**
 * Telling the managers of the host's network, and taking it back: files alone, no program.
 */
import { join } from 'node:path'
import { isThere, putText, removePaths } from '../../state/files.js'
import { MANAGERS, type BridgedNic, type Manager } from './managers.js'

/** Before all others: a file of an administrator may begin with 00. */
const PREFIX = '0-vnet-cni-'

function fileOf(runDir: string, { folder, ending }: Manager, bridge: string): string {
  return join(runDir, folder, `${PREFIX}${bridge}${ending}`)
}

/**
 * Tells those managers that run. Call it before the NIC goes beneath the bridge.
 *
 * @param runDir folder of what runs: /run
 * @returns the files that are new
 * @throws StateError when one cannot be written; those that are new are gone then
 */
export function tellManagers(runDir: string, links: BridgedNic): string[] {
  const written: string[] = []
  try {
    for (const manager of MANAGERS) {
      if (!isThere(join(runDir, manager.sign))) continue
      const path = fileOf(runDir, manager, links.bridge)
      if (putText(path, manager.settings(links))) written.push(path)
    }
  } catch (error) {
    removePaths(written)
    throw error
  }
  return written
}

/** Takes back what the managers were told of a bridge. Throws StateError. */
export function untellManagers(runDir: string, bridge: string): void {
  removePaths(MANAGERS.map((manager) => fileOf(runDir, manager, bridge)))
}
