import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildOnce, ROOT } from './build-once.js'
import { onProcessEnd } from './cleanup.js'
import { CommandError, must, runSync } from './process.js'

/** The package as npm would publish it, and whoever installs it. */
export interface Package {
  /** The archive that `npm pack` made. */
  readonly archive: string
  /** A folder of this test file's own, with the archive in it. */
  readonly folder: string
}

/** Whether all that npm packs is there and younger than its sources. */
export function isPackable(): boolean {
  return (
    runSync(process.execPath, [join(ROOT, 'scripts', 'check-package.mjs')]).code === 0
  )
}

/** Makes the prebuilt addons unless those that are there are of this source. */
export async function currentPrebuilds(): Promise<void> {
  await buildOnce('prebuilds', isPackable, () => {
    const script = join(ROOT, 'scripts', 'prebuild.mjs')
    const made = runSync(process.execPath, [script], { timeoutMs: 3_600_000 })
    if (made.code !== 0) throw new CommandError('prebuild', made)
  })
}

/** Packs this source into a folder that is removed when this process ends. */
export async function packPackage(): Promise<Package> {
  await currentPrebuilds()
  const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-package-'))
  onProcessEnd(() => rmSync(folder, { recursive: true, force: true }))
  // No scripts: `prepare` would compile lib/ anew under the feet of the other tests.
  const told = await must(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
    { cwd: ROOT },
  )
  const [{ filename }] = JSON.parse(told) as [{ filename: string }]
  return { archive: join(folder, filename), folder }
}

/**
 * Installs the package into a new empty project, where Node, npm and a shell are all the programs
 * that there are; answers with the project's folder.
 */
export async function installPackage(
  { archive, folder }: Package,
  name: string,
  ...options: string[]
): Promise<string> {
  const project = join(folder, name)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n')
  const args = [
    'install',
    archive,
    ...options,
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
  ]
  await must('npm', args, {
    cwd: project,
    env: { PATH: programs(folder) },
  })
  return project
}

/** A PATH without a compiler, make or Python. */
function programs(folder: string): string {
  const bin = join(folder, 'bin')
  try {
    mkdirSync(bin)
  } catch {
    return bin
  }
  symlinkSync(process.execPath, join(bin, 'node'))
  symlinkSync(join(dirname(process.execPath), 'npm'), join(bin, 'npm'))
  for (const name of ['sh', 'env']) symlinkSync(join('/usr/bin', name), join(bin, name))
  return bin
}
