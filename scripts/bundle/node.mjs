// The Node that goes into the bundle: the official binary as npm packages carry it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchPackage } from '../fetch-package.mjs'

/** Both architectures' packages have one version. */
const VERSION = '24.21.0'

const INTEGRITY = {
  x64: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  arm64:
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
}

/** Path of the Node binary for an architecture. */
export function nodeBinary(arch) {
  return join(fetched(arch), 'bin', 'node')
}

/** The licence that goes with it. */
export function nodeLicence(arch) {
  return readFileSync(join(fetched(arch), 'LICENSE'), 'utf8')
}

function fetched(arch) {
  return fetchPackage({
    name: `node-linux-${arch}`,
    version: VERSION,
    integrity: INTEGRITY[arch],
    files: ['bin/node', 'LICENSE'],
  })
}
