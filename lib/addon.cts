import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

// A CommonJS file in both builds, because only there `__dirname` exists and `require` can
// load a `.node` file. The package root is the nearest folder above that has binding.gyp
// beside package.json: lib/, dist/esm/ and dist/cjs/ lie at different depths.
function packageRoot(): string {
  let folder = __dirname
  while (
    !existsSync(join(folder, 'package.json')) ||
    !existsSync(join(folder, 'binding.gyp'))
  ) {
    const parent = dirname(folder)
    if (parent === folder) return __dirname
    folder = parent
  }
  return folder
}

/**
 * Loads the addon: the file that VNET_CNI_ADDON names (a sanitizer build, say), else a fitting
 * prebuild, else what `npm ci` compiled.
 */
export function loadNative(): unknown {
  const chosen = process.env['VNET_CNI_ADDON']
  if (chosen) return require(chosen) as unknown
  const load = require('node-gyp-build') as (dir: string) => unknown
  return load(packageRoot())
}
