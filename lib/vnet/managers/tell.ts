/**
 * Telling the managers of the host's network, and taking it back: files alone, no program.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileOperation } from '../../host/errors.js'
import { makeFolder } from '../../host/make-folder.js'
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
      if (!existsSync(join(runDir, manager.sign))) continue
      const path = fileOf(runDir, manager, links.bridge)
      if (put(path, manager.settings(links))) written.push(path)
    }
  } catch (error) {
    forget(written)
    throw error
  }
  return written
}

// True when the file is new.
function put(path: string, text: string): boolean {
  return fileOperation('write', path, () => {
    const isThere = existsSync(path)
    if (isThere && readFileSync(path, 'utf8') === text) return false
    makeFolder(join(path, '..'))
    writeFileSync(path, text)
    return !isThere
  })
}

/** Takes files of `tellManagers` away. Throws StateError. */
export function forget(paths: readonly string[]): void {
  for (const path of paths) {
    fileOperation('remove', path, () => rmSync(path, { force: true }))
  }
}

/** Takes back what the managers were told of a bridge. Throws StateError. */
export function untellManagers(runDir: string, bridge: string): void {
  forget(MANAGERS.map((manager) => fileOf(runDir, manager, bridge)))
}
