import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CONFLIST, pluginFolder } from './plugin-folder.js'
import { must } from './process.js'

const MAIN = fileURLToPath(new URL('../../dist/cjs/main.js', import.meta.url))
const LINKS = ['azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback']
/** This machine's architecture in names of archives. */
export const ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** What to put into an archive. */
export interface ReleaseOptions {
  version: string
  /** Content of 10-azure.conflist; ours unless given. */
  conflist?: string
  arch?: string
  /** Changes the files before they are packed. */
  change?: (folder: string) => void
}

/**
 * Makes an archive as `npm run release` does, and adds its line to SHA256SUMS; answers with its
 * path. Without a bundle the program is a script for Node that reports the version asked for.
 */
export async function makeRelease(
  folder: string,
  { version, conflist, arch = ARCH, change }: ReleaseOptions,
): Promise<string> {
  const content = join(folder, `content-${version}-${arch}`)
  mkdirSync(content, { recursive: true })
  makeProgram(content, version)
  for (const name of LINKS) symlinkSync('vnet-cni', join(content, name))
  const list = conflist ?? readFileSync(CONFLIST, 'utf8')
  writeFileSync(join(content, '10-azure.conflist'), list)
  change?.(content)
  const name = `azure-vnet-cni-linux-${arch}-${version}.tgz`
  const pack = ['-I', 'gzip -1', '-cf', join(folder, name), '.']
  await must('tar', ['-C', content, ...pack])
  await sumUp(folder)
  return join(folder, name)
}

/** Writes SHA256SUMS for all archives in a folder. */
export async function sumUp(folder: string): Promise<void> {
  await must('sh', ['-c', 'sha256sum *.tgz > SHA256SUMS'], { cwd: folder })
}

function makeProgram(content: string, version: string): void {
  const bundled = pluginFolder()
  const target = join(content, 'vnet-cni')
  if (!existsSync(join(bundled, 'package.json'))) {
    cpSync(join(bundled, 'vnet-cni'), target)
    return
  }
  const program = `#!${process.execPath}
if (process.argv[2] === '--version') console.log('vnet-cni ${version}')
else require('${MAIN}').main(require('node:path').basename(process.argv[1]))
`
  writeFileSync(target, program, { mode: 0o755 })
}
