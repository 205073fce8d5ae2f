import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildOnce, ROOT } from '../build-once.js'
import type { PrivateSpace } from '../private-space.js'
import { must } from '../process.js'

const FOLDER = join(ROOT, 'build', 'debian')

// /lib and its like are links into /usr on the machine that it is to be laid over.
const UNPACK = `
  apt-get download "$1" >/dev/null
  dpkg-deb --fsys-tarfile ./*.deb | tar -x
  rm ./*.deb
  mkdir -p usr etc
  for folder in bin sbin lib; do
    if test -d "$folder"; then
      mkdir -p "usr/$folder"
      cp -a "$folder/." "usr/$folder/"
      rm -r "$folder"
    fi
  done`

/** Folder of a Debian package that is fetched and unpacked, once, but not installed. */
export async function unpacked(name: string): Promise<string> {
  const folder = join(FOLDER, name)
  await buildOnce(
    `debian-${name}`,
    () => existsSync(folder),
    async () => {
      const work = `${folder}.work`
      rmSync(work, { recursive: true, force: true })
      mkdirSync(work, { recursive: true })
      await must('sh', ['-ec', UNPACK, 'sh', name], { cwd: work })
      renameSync(work, folder)
    },
  )
  return folder
}

/**
 * Has Debian packages in a space that this machine is better off without: installed, a firewall or
 * a name server of the system would be started, now or at the next boot.
 */
export async function addPackages(
  space: PrivateSpace,
  names: readonly string[],
): Promise<void> {
  const folders = await Promise.all(names.map(unpacked))
  const layers = [...folders.map((folder) => join(folder, 'usr')), '/usr'].join(':')
  const script = `
    mount -t overlay overlay -o "lowerdir=$1" /usr
    shift
    for folder; do cp -a "$folder/etc/." /etc/; done`
  await space.must('sh', ['-ec', script, 'sh', layers, ...folders])
}
