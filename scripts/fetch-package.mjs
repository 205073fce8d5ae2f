// Programs that npm packages carry, fetched when they are needed: as a devDependency such a package
// would put its own `node` in front of the developer's in every npm script.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './paths.mjs'
import { withWorkFolder } from './work-folder.mjs'

/**
 * Folder with some files of a package from npm's registry; fetches them at the first call.
 *
 * @param {object} wanted
 * @param {string} wanted.name
 * @param {string} wanted.version
 * @param {string} wanted.integrity what the registry said when the version was pinned
 * @param {string[]} wanted.files paths inside the package
 */
export function fetchPackage({ name, version, integrity, files }) {
  const label = `${name.replace(/^@/, '').replace('/', '-')}-${version}`
  const parent = join(root, 'build', 'runtimes')
  const folder = join(parent, label)
  if (existsSync(folder)) return folder
  mkdirSync(parent, { recursive: true })
  const archive = join(parent, `${label}.tgz`)
  if (!existsSync(archive)) {
    const args = ['pack', `${name}@${version}`, '--pack-destination', parent, '--silent']
    execFileSync('npm', args, { cwd: parent, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const hash = createHash('sha512').update(readFileSync(archive)).digest('base64')
  if (`sha512-${hash}` !== integrity) {
    rmSync(archive)
    throw new Error(
      `${name}@${version} is not the package that was pinned: sha512-${hash}`,
    )
  }
  withWorkFolder(`${folder}.`, (work) => {
    const parts = files.map((file) => `package/${file}`)
    const strip = '--strip-components=1'
    const unpacked = join(work, 'package')
    mkdirSync(unpacked)
    execFileSync('tar', ['-xzf', archive, '-C', unpacked, strip, ...parts])
    renameSync(unpacked, folder)
  })
  return folder
}
