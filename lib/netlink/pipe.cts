// A CommonJS file in both builds, because only there `require` loads a module at its first use:
// node:net takes milliseconds, which a plug-in that starts no program is not to pay.
import type { Socket } from 'node:net'

/** A stream over our end of a pipe, which it closes: for writing, or else for reading. */
export function pipeStream(fd: number, writable: boolean): Socket {
  const net = require('node:net') as typeof import('node:net')
  return new net.Socket({ fd, readable: !writable, writable })
}
