import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './build-once.js'
import { must, run, type Outcome } from './process.js'

const SHIMS = join(ROOT, 'test', 'shipping', 'runtime')

/** Imports one of the project's scripts, which have no types. */
async function script<T>(path: string): Promise<T> {
  return (await import(new URL(`../../scripts/${path}`, import.meta.url).href)) as T
}

// Node's project has no packages for musl; Bun's have a runtime that speaks Node-API, too.
const BUN = {
  name: '@oven/bun-linux-x64-musl',
  version: '1.4.5',
  integrity:
    'sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==',
  files: ['bin/bun'],
}

/** Runs a script of a project in a JavaScript runtime of another platform. */
export type Runtime = (file: string, project: string) => Promise<Outcome>

/**
 * Bun on musl's loader and C library, where /etc says that this is Alpine. The C++ library that it
 * wants is Debian's. `folder` is for what is needed on the way.
 */
export async function muslRuntime(folder: string): Promise<Runtime> {
  const { fetchPackage } = await script<{ fetchPackage(wanted: object): string }>(
    'fetch-package.mjs',
  )
  const bun = join(fetchPackage(BUN), 'bin', 'bun')
  const libraries = join(folder, 'musl')
  const etc = join(folder, 'etc')
  for (const path of [libraries, etc]) mkdirSync(path)
  writeFileSync(join(etc, 'alpine-release'), '3.20.0\n')
  const shim = join(libraries, 'ld-linux-x86-64.so.2')
  const source = join(SHIMS, 'glibc-names.c')
  await must('musl-gcc', ['-shared', '-fPIC', source, '-o', shim])
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const path = (await must('gcc', [`-print-file-name=${name}`])).trim()
    symlinkSync(path, join(libraries, name))
  }
  const asAlpine = 'mount --make-rprivate / && mount --bind "$ETC" /etc && exec "$@"'
  const variables = [`LD_PRELOAD=${shim}`, `LD_LIBRARY_PATH=${libraries}`]
  const call = ['env', ...variables, '/lib/ld-musl-x86_64.so.1', bun, '--no-install']
  return (file, project) =>
    run('unshare', ['--mount', 'sh', '-c', asAlpine, 'sh', ...call, file], {
      cwd: project,
      env: { ETC: etc },
    })
}

/** The bundle's Node for arm64 in qemu's user emulation, with Debian's libraries for arm64. */
export async function arm64Runtime(folder: string): Promise<Runtime> {
  const { nodeBinary } = await script<{ nodeBinary(arch: string): string }>(
    'bundle/node.mjs',
  )
  const node = nodeBinary('arm64')
  const shim = join(folder, 'nstype.so')
  const source = join(SHIMS, 'nstype.c')
  await must('aarch64-linux-gnu-gcc', ['-shared', '-fPIC', source, '-o', shim])
  const qemu = ['-L', '/usr/aarch64-linux-gnu', '-E', `LD_PRELOAD=${shim}`]
  return (file, project) =>
    run('qemu-aarch64-static', [...qemu, node, file], { cwd: project })
}
