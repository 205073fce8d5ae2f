// The Node that goes into the bundle: the official binary as npm packages carry it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './paths.mjs'

/**
 * Both architectures' packages have one version. As a devDependency it would put its own `node` in
 * front of the developer's in every npm script.
 */
const VERSION = '24.21.0'

// Fetched when a bundle is made, and held against what the registry said when it was pinned.
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
  return readFileSync(join(nodeBinary(arch), '..', '..', 'LICENSE'), 'utf8')
}

function fetched(arch) {
  const name = `node-linux-${arch}`
  const parent = join(root, 'build', 'runtimes')
  const folder = join(parent, `${name}-${VERSION}`)
  if (existsSync(folder)) return folder
  mkdirSync(parent, { recursive: true })
  const archive = join(parent, `${name}-${VERSION}.tgz`)
  if (!existsSync(archive)) {
    const args = ['pack', `${name}@${VERSION}`, '--pack-destination', parent, '--silent']
    execFileSync('npm', args, { cwd: parent, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const hash = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (`sha512-${hash}` !== INTEGRITY[arch]) {
    rmSync(archive)
    throw new Error(
      `${name}@${VERSION} is not the package that was pinned: sha512-${hash}`,
    )
  }
  const unpacked = `${folder}.tmp`
  rmSync(unpacked, { recursive: true, force: true })
  mkdirSync(unpacked)
  const parts = ['package/bin/node', 'package/LICENSE']
  execFileSync('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1', ...parts])
  renameSync(unpacked, folder)
  return folder
}
