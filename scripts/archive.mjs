// The archive of a release: a bundle and the network configuration list, as Azure's own archives
// have them.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { ARCHITECTURES, root } from './paths.mjs'

/** The network configuration list that goes into it, by its name in conf/. */
export const CONFLIST = '10-azure.conflist'

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Name of the archive for an architecture (Node's name). */
export function archiveName(arch) {
  return `azure-vnet-cni-linux-${ARCHITECTURES[arch]}-${version}.tgz`
}

/**
 * Adds the list to a bundle's folder and packs it into the folder `out`; answers with the archive's
 * name. The same content gives the same bytes: names are sorted, owners and times are fixed.
 */
export function pack(bundle, arch, out) {
  copyFileSync(join(root, 'conf', CONFLIST), join(bundle, CONFLIST))
  const name = archiveName(arch)
  const tarball = join(out, name.replace(/\.tgz$/, '.tar'))
  const tar = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  const more = ['--format=ustar', '--mode=go-w', '-C', bundle, '-cf', tarball, '.']
  execFileSync('tar', [...tar, ...more])
  // Without -n its header would hold the time.
  execFileSync('gzip', ['-n', '-6', tarball])
  renameSync(`${tarball}.gz`, join(out, name))
  return name
}
