/**
 * Files below /proc/sys, as a namespace sees them.
 */
import { StepRef, type StepSink } from './steps.js'

function checkName(name: string): string {
  if (
    typeof name !== 'string' ||
    !/^[^/\0]+(\/[^/\0]+)+$/.test(name) ||
    /(^|\/)\.\.?(\/|$)/.test(name)
  ) {
    throw new TypeError(
      `name: ${JSON.stringify(name)} is no sysctl; write it with slashes, net/ipv4/ip_forward`,
    )
  }
  return name
}

/** The verbs for sysctls of one namespace in a plan. */
export class SysctlVerbs {
  constructor(private readonly sink: StepSink) {}

  /**
   * Reads a file, without the closing newline. Parts of the name are joined by slashes, because
   * interface names may hold dots: `net/ipv4/conf/eth0.1/forwarding`.
   * SyscallError: ENOENT when there is none.
   */
  get(name: string): StepRef<string> {
    return new StepRef(this.sink.add('sysctl.get', { name: checkName(name) }), String)
  }

  /** Writes a file. SyscallError: ENOENT, EACCES, EINVAL for a value it does not take. */
  set(name: string, value: string | number): void {
    this.sink.add('sysctl.set', { name: checkName(name), value: String(value) })
  }
}
