// Runs the fuzz targets on their seeds and on random bytes under valgrind.
//   npm run test:valgrind [-- runs]     300 random inputs a target when absent
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const build = join(root, 'native', 'build', 'check')
const corpus = join(root, 'test', 'fuzz', 'corpus')
const [runs = '300'] = process.argv.slice(2)
const files = readdirSync(corpus).flatMap((target) =>
  readdirSync(join(corpus, target)).map((file) => join(corpus, target, file)),
)
const quiet = { stdio: ['ignore', 'ignore', 'inherit'] }
execFileSync('cmake', ['-S', join(root, 'native'), '-B', build, '-DCHECK=ON'], quiet)
execFileSync('cmake', ['--build', build], quiet)
execFileSync(
  'valgrind',
  [
    '--quiet',
    '--error-exitcode=9',
    '--leak-check=full',
    join(build, 'vnet_check'),
    runs,
    '1',
    ...files,
  ],
  { stdio: 'inherit' },
)
