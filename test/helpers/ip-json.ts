import type { NetNs } from '../../dist/esm/index.js'
import { must } from './process.js'

/** Starts a program inside a namespace; its standard output. */
export function inside(ns: NetNs, ...command: string[]): Promise<string> {
  return must('nsenter', [`--net=/proc/${process.pid}/fd/${ns.fd}`, ...command])
}

/** What `ip -j -d` (or `bridge -j -d`) shows inside a namespace. */
export async function show(
  ns: NetNs,
  program: 'ip' | 'bridge',
  ...args: string[]
): Promise<Record<string, any>[]> {
  const text = await inside(ns, program, '-j', '-d', ...args)
  return text.trim() ? JSON.parse(text) : []
}

/** What `ip -j -d link show` says of one link. */
export async function showLink(ns: NetNs, name: string): Promise<Record<string, any>> {
  return (await show(ns, 'ip', '-s', 'link', 'show', 'dev', name))[0] as Record<
    string,
    any
  >
}

/** The parts of a NetlinkError that tests look at. */
export function refusal(code: string, extAck?: RegExp) {
  return { name: 'NetlinkError', code, ...(extAck && { extAck }) }
}
