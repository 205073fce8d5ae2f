// Runs tests against the sanitizer build of the addon (`npm run build:asan` makes it).
//   npm run test:asan [-- file …]       the tests of test/kernel and test/native when none is given
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const builds = ['Debug/vnet_cni.node', 'vnet_cni.node', 'Release/vnet_cni.node']
const addon = builds
  .map((file) => join(root, 'native', 'build', 'asan', file))
  .find((file) => existsSync(file))
if (!addon) throw new Error('there is no sanitizer build: npm run build:asan')

const suppressions = join(root, 'scripts', 'asan-suppressions.txt')
const given = process.argv.slice(2)
const rooms = ['test/kernel/*.test.ts', 'test/native/*.test.ts']
const library = execFileSync('g++', ['-print-file-name=libasan.so'], {
  encoding: 'utf8',
}).trim()
const done = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'tap', 'dist', 'esm', 'run.mjs'),
    '--disable-coverage',
    '--jobs=1',
    '--timeout=600',
    ...(given.length ? given : rooms),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      VNET_CNI_ADDON: addon,
      LD_PRELOAD: library,
      // V8 keeps what it has until the process ends; that is no leak of ours to report. The
      // quarantine of freed memory (256 MiB unless told) is small, for the test of flat memory.
      ASAN_OPTIONS: `detect_leaks=0:abort_on_error=1:quarantine_size_mb=8:suppressions=${suppressions}`,
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    },
  },
)
process.exitCode = done.status ?? 1
