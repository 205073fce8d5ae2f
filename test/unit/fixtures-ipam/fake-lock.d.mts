import type { LockFile } from '../../../dist/esm/host/lock.js'
export declare const fileLock: LockFile
