/**
 * Tells one boot of the machine from the next.
 */
import { readFileSync } from 'node:fs'

let cached: string | undefined

/**
 * The kernel's random id of this boot, a UUID: proc(5), /proc/sys/kernel/random/boot_id.
 * It needs no clock, unlike an up-time compared with a file's date. Read once a process.
 */
export function bootId(): string {
  cached ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return cached
}
