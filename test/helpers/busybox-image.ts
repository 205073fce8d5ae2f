import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PrivateSpace } from './private-space.js'
import { must } from './process.js'

/** What the image's web server answers. */
export const PAGE = 'served by the container'
/** A command that serves {@link PAGE} on port 80. */
export const WEB = ['httpd', '-f', '-p', '80', '-h', '/www']

const APPLETS = [
  'sh',
  'sleep',
  'httpd',
  'ping',
  'wget',
  'cat',
  'ip',
  'echo',
  'true',
  'false',
]

/** Makes a root file system with busybox and a page, as a tar file; answers with its path. */
export async function busyboxArchive(space: PrivateSpace): Promise<string> {
  const folder = join(space.folder, 'image')
  mkdirSync(folder, { recursive: true })
  const script = `
    mkdir -p root/bin root/www root/tmp root/etc
    cp "$(command -v busybox)" root/bin/busybox
    for name in ${APPLETS.join(' ')}; do ln -sf busybox "root/bin/$name"; done
    echo '${PAGE}' > root/www/index.html
    tar -C root -cf rootfs.tar .`
  await must('sh', ['-ec', script], { cwd: folder })
  return join(folder, 'rootfs.tar')
}

/**
 * The same as an archive that `ctr image import` takes: the form of `docker save`, with
 * manifest.json, one layer and a config.
 */
export async function busyboxImage(
  space: PrivateSpace,
  name: string,
  command: readonly string[],
): Promise<string> {
  const rootfs = await busyboxArchive(space)
  const folder = join(space.folder, 'image')
  const sum = (await must('sha256sum', [rootfs])).slice(0, 64)
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: command, Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sum}`] },
  })
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['rootfs.tar'] }]
  const script = `
    printf '%s' "$CONFIG" > config.json
    printf '%s' "$MANIFEST" > manifest.json
    tar -cf image.tar manifest.json config.json rootfs.tar`
  await must('sh', ['-ec', script], {
    cwd: folder,
    env: { CONFIG: config, MANIFEST: JSON.stringify(manifest) },
  })
  return join(folder, 'image.tar')
}
