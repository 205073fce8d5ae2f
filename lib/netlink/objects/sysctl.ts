/**
 * Files below /proc/sys, as a namespace sees them.
 */
import { ArgumentError } from '../../argument-error.js'
import { ERRNO } from '../base/constants.js'
import { checkOptions, orNone } from '../base/options.js'
import { StepRef, type StepSink } from '../base/steps.js'

function checkName(name: string): string {
  if (
    typeof name !== 'string' ||
    !/^[^/\0]+(\/[^/\0]+)+$/.test(name) ||
    /(^|\/)\.\.?(\/|$)/.test(name)
  ) {
    throw new ArgumentError(
      `name: ${JSON.stringify(name)} is no sysctl; write it with slashes, net/ipv4/ip_forward`,
    )
  }
  return name
}

/** The verbs for sysctls of one namespace in a plan. */
export class SysctlVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Reads a file, without the closing newline. Parts of the name are joined by slashes, because
   * interface names may hold dots: `net/ipv4/conf/eth0.1/forwarding`.
   * With `optional`, one that is not there reads as an empty text.
   *
   * @throws SyscallError ENOENT when there is none
   * @throws SyscallError EACCES for a file that can only be written
   * @throws SyscallError EISDIR for a folder
   */
  get(name: string, given?: { optional?: boolean }): StepRef<string> {
    const options = orNone(given)
    checkOptions(options, 'sysctl.get', { optional: 'switch' })
    const accept = options.optional ? [ERRNO.ENOENT] : []
    const at = this.sink.add('sysctl.get', { name: checkName(name) }, { accept })
    return new StepRef(at, (wire) => (wire === undefined ? '' : String(wire)))
  }

  /**
   * Writes a file; `was` is what undo writes back.
   *
   * @throws SyscallError ENOENT when there is none
   * @throws SyscallError EACCES for a file that can only be read, or without the right to write it
   * @throws SyscallError EINVAL for a value that it does not take
   */
  set(name: string, value: string | number, was?: string | number): void {
    const write = (text: string | number) => ({
      name: checkName(name),
      value: String(text),
    })
    const undo = was === undefined ? [] : [{ op: 'sysctl.set', args: write(was) }]
    this.sink.add('sysctl.set', write(value), { undo })
  }
}
