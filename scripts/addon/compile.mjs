// The addon as it is shipped, in npm's package and in the bundle: compiled by the compiler itself,
// one way for all platforms, against the headers of the stable Node-API alone. (node-gyp builds in
// the source folder, one platform at a time, and over what tests have loaded.)
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../paths.mjs'

/** Prefix of a compiler's programs, as Debian names them, by Node's name of the architecture. */
export const TRIPLETS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

// The C++ library is stood in for by native/portable/runtime.cc: for the same reason the C driver
// links, which adds none. No time stamps, no paths, no symbols.
const CODE = [
  ...['-std=c++20', '-fPIC', '-pthread'],
  ...['-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
  // Nothing is thrown, so nobody needs to know how to go back through a frame.
  ...['-fno-asynchronous-unwind-tables', '-fno-unwind-tables'],
  ...['-ffunction-sections', '-fdata-sections'],
  ...['-frandom-seed=vnet-cni', `-ffile-prefix-map=${root}=.`],
]
const LINK = [
  ...['-flto=auto', '-shared', '-s', '-Wl,--build-id=none'],
  ...['-Wl,--gc-sections', '-Wl,-z,relro,-z,now'],
  `-Wl,--version-script=${join('native', 'portable', 'exports.map')}`,
]

/** What else the addon is made of for each C library. */
const PORTABLE = { glibc: ['runtime.cc', 'glibc.cc'], musl: ['runtime.cc'] }

/**
 * Compiles the addon for an architecture and a C library into a folder; answers with its path.
 *
 * @param {object} target
 * @param {string} target.arch
 * @param {'glibc' | 'musl'} [target.libc]
 * @param {boolean} [target.small] as small as it can be, for who loads it at every call: most of
 *   the time of a call is not in it
 * @param {string} folder
 */
export function compileAddon({ arch, libc = 'glibc', small = false }, folder) {
  mkdirSync(folder, { recursive: true })
  const compiler = `${TRIPLETS[arch]}-gcc`
  const target = libc === 'musl' ? musl(compiler, arch, folder) : { code: [], link: [] }
  const common = [...target.code, ...CODE, small ? '-Os' : '-O2']
  const objects = PORTABLE[libc].map((name) => {
    const object = join(folder, `${name}.o`)
    const source = join('native', 'portable', name)
    run(compiler, [...common, '-c', source, '-o', object])
    return object
  })
  const sources = JSON.parse(readFileSync(join(root, 'native', 'sources.json'), 'utf8'))
  const headers = ['node-addon-api', 'node-api-headers/include']
  const output = join(folder, 'vnet_cni.node')
  run(compiler, [
    ...[...common, ...LINK],
    ...readGyp().defines.map((name) => `-D${name}`),
    ...headers.map((path) => `-I${join('node_modules', path)}`),
    ...sources.map((file) => join('native', file)),
    ...[...objects, ...target.link, '-o', output],
  ])
  return output
}

function run(compiler, args) {
  try {
    const stdio = ['ignore', 'inherit', 'inherit']
    execFileSync(compiler, args, { cwd: root, stdio })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error(
      `no compiler ${compiler}: install Debian's g++ (for arm64: g++-aarch64-linux-gnu)`,
      { cause: error },
    )
  }
}

// Debian's musl comes with a C compiler only, and building GCC's C++ library for it takes longer
// than all our tests. But of that library the addon uses templates alone, so the C++ headers of
// the compiler above the C headers of musl are enough; native/portable/musl.h reconciles them,
// and scripts/addon/check.mjs sees to it that no symbol is used which musl does not have.
function musl(compiler, arch, folder) {
  const name = TRIPLETS[arch].replace(/-gnu$/, '-musl')
  const headers = join('/usr/include', name)
  if (!existsSync(headers)) throw new Error(`no ${headers}: install Debian's musl-tools`)
  const ask = (option) => execFileSync(compiler, [option], { encoding: 'utf8' }).trim()
  const cxx = join('/usr/include/c++', ask('-dumpversion'))
  const include = [
    cxx,
    join('/usr/include', TRIPLETS[arch], 'c++', ask('-dumpversion')),
    headers,
    ask('-print-file-name=include'),
    kernelHeaders(TRIPLETS[arch], folder),
  ]
  return {
    code: [
      ...['-nostdinc', '-include', join('native', 'portable', 'musl.h')],
      ...include.flatMap((path) => ['-isystem', path]),
    ],
    link: ['-nostdlib', `-L${join('/usr/lib', name)}`, '-lc', '-lgcc'],
  }
}

/** A folder with the kernel's headers and nothing of glibc's, which lie beside them. */
function kernelHeaders(triplet, folder) {
  const own = join(folder, 'kernel-headers')
  mkdirSync(own)
  const parts = { linux: 'linux', 'asm-generic': 'asm-generic', asm: `${triplet}/asm` }
  for (const [name, path] of Object.entries(parts)) {
    symlinkSync(join('/usr/include', path), join(own, name))
  }
  return own
}

/** The defines of the build that npm installs: both builds must see one API. */
function readGyp() {
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8')
  const list = /'defines': \[([^\]]*)\]/.exec(gyp)?.[1]
  if (!list) throw new Error("binding.gyp: no list 'defines' found")
  return { defines: [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name) }
}
