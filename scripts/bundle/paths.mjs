// Where the parts of the bundle come from and go to.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Names that the executable is called by; each is a link to it. */
export const PROGRAMS = ['azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback']

/** Name of the operator's commands among the parts of our code. */
export const COMMANDS = 'cli'

/** The executable's own name. */
export const EXECUTABLE = 'vnet-cni'

/** Node's names of the architectures → Go's and Debian's, which archives are named by. */
export const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' }

/** Folder of the finished bundle of an architecture; this machine's is plain `bundle`. */
export function bundleFolder(arch) {
  return join(root, 'dist', arch === process.arch ? 'bundle' : `bundle-${arch}`)
}
