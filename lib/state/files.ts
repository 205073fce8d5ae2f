/**
 * All files of ours in the state folders.
 */
import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from '../host/host.js'

const OURS = /^(azure-vnet|ipam)\.json($|\.)|^attachments$/

/**
 * Removes them, and a folder that nothing else is in. Answers with the paths that were there.
 * Throws what the file system says.
 */
export function removeStateFiles({
  stateDir,
  keepDir,
}: Pick<Host, 'stateDir' | 'keepDir'>): string[] {
  return [...new Set([stateDir, keepDir])].flatMap(removeFrom)
}

function removeFrom(folder: string): string[] {
  const paths = list(folder)
    .filter((name) => OURS.test(name))
    .map((name) => join(folder, name))
  for (const path of paths) rmSync(path, { recursive: true, force: true })
  // The folder is ours when nothing else is in it.
  if (paths.length > 0 && list(folder).length === 0) rmdirSync(folder)
  return paths
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
