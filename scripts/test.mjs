// `npm test`: sees to it that what the tests need is there, and runs them.
//
//   npm test [-- [--yes] [options of tap] [file …]]
//
// --yes installs missing Debian packages without a question (setup.mjs). Tests of test/unit alone
// need nothing but Node and the addon: then neither packages are looked for nor bundles made.
import { spawnSync } from 'node:child_process'
import { join, relative, resolve } from 'node:path'
import { root } from './paths.mjs'
import { MISSING, setUp } from './setup.mjs'

/** Runs a Node program in the foreground; answers with its exit status. */
function node(...args) {
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
  })
  if (error) throw error
  return status ?? 1
}

/** The test files and folders among tap's arguments, from the package's folder. */
function filesAmong(args) {
  const paths = args.filter((arg) => !arg.startsWith('-'))
  return paths.map((path) => relative(root, resolve(path)))
}

/** Packages, then what is made of the sources, so that no test's time goes into it. */
async function prepare({ yes, files }) {
  const needsNothing = (path) => path.startsWith('test/unit')
  if (files.length > 0 && files.every(needsNothing)) return 0
  if (!(await setUp({ yes }))) return MISSING
  return node('--import', 'tsx', join('test', 'helpers', 'prepare.ts'), ...files)
}

async function main([...args]) {
  const yes = args.includes('--yes')
  const forTap = args.filter((arg) => arg !== '--yes')
  const status = await prepare({ yes, files: filesAmong(forTap) })
  if (status !== 0) return status
  return node(join('node_modules', 'tap', 'dist', 'esm', 'run.mjs'), ...forTap)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`test: ${error.message}\n`)
  process.exitCode = 1
}
