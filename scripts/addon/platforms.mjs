// The platforms that npm's package carries an addon for.
import { join } from 'node:path'

/** Name → architecture (Node's name) and C library. */
export const PLATFORMS = {
  'linux-x64-glibc': { arch: 'x64', libc: 'glibc' },
  'linux-x64-musl': { arch: 'x64', libc: 'musl' },
  'linux-arm64-glibc': { arch: 'arm64', libc: 'glibc' },
}

/** Where an addon lies in the package; node-gyp-build finds it by this name. */
export function prebuildFile({ arch, libc }) {
  return join('prebuilds', `linux-${arch}`, `vnet-cni.${libc}.node`)
}
