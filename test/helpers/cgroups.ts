import { existsSync, readdirSync, rmdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const CGROUPS = '/sys/fs/cgroup'

/** The cgroups at and below `parent` in every hierarchy, children first. */
export function cgroupFolders(parent: string): string[] {
  const roots = [CGROUPS, ...readdirSync(CGROUPS).map((name) => join(CGROUPS, name))]
  return roots.flatMap((root) => {
    const top = join(root, parent)
    if (!existsSync(top)) return []
    const files = readdirSync(top, { recursive: true, encoding: 'utf8' })
    const lists = files.filter((name) => basename(name) === 'cgroup.procs')
    return lists
      .map((name) => dirname(join(top, name)))
      .sort()
      .reverse()
  })
}

/** Removes the cgroups at and below `parent`; waits a moment for those that empty late. */
export function removeCgroups(parent: string): void {
  for (let turn = 0; turn < 40 && cgroupFolders(parent).length > 0; turn += 1) {
    for (const folder of cgroupFolders(parent)) {
      try {
        rmdirSync(folder)
      } catch {
        // A cgroup empties a moment after its last process; the next try gets it.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
  }
}
