// Runs test/native/threads/program.mjs against the addon with ThreadSanitizer (`npm run build:tsan`
// makes it): workers, plans, streams, monitors, programs, terminations. Races in which a frame of the
// addon takes part are reported; Node itself is not instrumented, so that what it orders by its own
// atomics cannot be judged.
//   npm run test:tsan [-- rounds]
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = join(root, 'native', 'build', 'tsan')
const addon = ['Debug/vnet_cni.node', 'vnet_cni.node']
  .map((file) => join(folder, file))
  .find((file) => existsSync(file))
if (!addon) throw new Error('there is no such build: npm run build:tsan')

// GCC's run-time library: clang's own cannot be loaded before Node (it crashes at its start).
const library = execFileSync('g++', ['-print-file-name=libtsan.so'], {
  encoding: 'utf8',
}).trim()
const program = join(root, 'test', 'native', 'threads', 'program.mjs')
const done = spawnSync(process.execPath, [program, ...process.argv.slice(2)], {
  encoding: 'utf8',
  maxBuffer: 1 << 28,
  env: {
    ...process.env,
    VNET_CNI_ADDON: addon,
    LD_PRELOAD: library,
    TSAN_OPTIONS: 'ignore_noninstrumented_modules=1:exitcode=66:second_deadlock_stack=1',
  },
})
const reports = done.stderr.match(/WARNING: ThreadSanitizer/g)?.length ?? 0
process.stderr.write(done.stderr.slice(0, 20_000))
process.stdout.write(done.stdout)
console.log(`${reports} reports, ended with ${done.status ?? done.signal}`)
process.exitCode = done.status === 0 && reports === 0 ? 0 : 1
