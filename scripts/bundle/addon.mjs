// The addon for the bundle, compiled by the compiler itself: one way for this machine's
// architecture and for others, against the headers of the stable Node-API alone.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './paths.mjs'

const COMPILERS = { x64: 'x86_64-linux-gnu-g++', arm64: 'aarch64-linux-gnu-g++' }

// Node carries libgcc_s but may meet an older libstdc++ than the compiler's, so that one is
// linked in; what is not used of it is thrown away. No time stamps, no paths, no symbols.
const FLAGS = [
  ...['-std=c++20', '-O2', '-flto=auto', '-fPIC', '-shared', '-pthread'],
  ...['-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
  ...['-ffunction-sections', '-fdata-sections', '-static-libstdc++', '-s'],
  ...['-Wl,--gc-sections', '-Wl,--exclude-libs,ALL', '-Wl,-z,relro,-z,now'],
  ...[
    '-Wl,--build-id=none',
    '-frandom-seed=vnet-cni',
    '-ffile-prefix-map=' + root + '=.',
  ],
]

/** Compiles the addon for an architecture; answers with its path. */
export function compileAddon(arch, folder) {
  const sources = JSON.parse(readFileSync(join(root, 'native', 'sources.json'), 'utf8'))
  const { defines } = readGyp()
  const headers = ['node-addon-api', 'node-api-headers/include']
  mkdirSync(folder, { recursive: true })
  const output = join(folder, 'vnet_cni.node')
  const args = [
    ...FLAGS,
    ...defines.map((name) => `-D${name}`),
    ...headers.map((path) => `-I${join('node_modules', path)}`),
    ...sources.map((file) => join('native', file)),
    ...['-o', output],
  ]
  try {
    execFileSync(COMPILERS[arch], args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error(
      `no compiler ${COMPILERS[arch]}: install Debian's g++ (for arm64: g++-aarch64-linux-gnu)`,
      { cause: error },
    )
  }
  return output
}

/** The defines of the build that npm installs: both builds must see one API. */
function readGyp() {
  const gyp = readFileSync(join(root, 'binding.gyp'), 'utf8')
  const list = /'defines': \[([^\]]*)\]/.exec(gyp)?.[1]
  if (!list) throw new Error("binding.gyp: no list 'defines' found")
  return { defines: [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name) }
}
