import type { Addon } from '../../../dist/esm/binding.js'
type LockFile = Addon['lockFile']
export declare const fileLock: LockFile
export declare function countingLock(): {
  counts: { taken: number; open: number; labels: string[] }
  lockFile: LockFile
}
export declare function brokenLock(errno: number): LockFile
