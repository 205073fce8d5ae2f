// Compiles lib/ twice: dist/esm (what package.json "import" names) and dist/cjs ("require").
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const run = (...args) =>
  execFileSync(process.execPath, [tsc, '-p', root, ...args], {
    stdio: 'inherit',
    cwd: root,
  })

rmSync(join(root, 'dist', 'esm'), { recursive: true, force: true })
rmSync(join(root, 'dist', 'cjs'), { recursive: true, force: true })
run()
run('--module', 'commonjs', '--moduleResolution', 'node10', '--outDir', 'dist/cjs')
writeFileSync(join(root, 'dist', 'esm', 'package.json'), '{ "type": "module" }\n')
writeFileSync(join(root, 'dist', 'cjs', 'package.json'), '{ "type": "commonjs" }\n')
