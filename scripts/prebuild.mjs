// Makes prebuilds/: the addon for every platform of npm's package, each checked.
//
//   node scripts/prebuild.mjs [--out DIR] [PLATFORM…]
//
// DIR/prebuilds is made, in the package's folder unless DIR says otherwise. Platforms are named as
// below; without one, all are made.
import { spawnSync } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import prebuildify from 'prebuildify'
import { checkAddon } from './addon/check.mjs'
import { TRIPLETS } from './addon/compile.mjs'
import { PLATFORMS, prebuildFile } from './addon/platforms.mjs'
import { root } from './paths.mjs'
import { withWorkFolder } from './work-folder.mjs'

/** Throws for a program that is missing, before minutes go into a build that would want it at its end. */
function need(program) {
  const { error } = spawnSync(program, ['--version'], { stdio: 'ignore' })
  if (error) throw new Error(`no ${program}: install Debian's binutils for that machine`)
}

/** Has prebuildify make and name the addon of a platform; it works in a folder of its own. */
function make({ arch, libc }, out) {
  return withWorkFolder(join(root, 'build', 'prebuild-'), (cwd) =>
    promisify(prebuildify)({
      ...{ cwd, out, arch, libc, platform: 'linux', name: 'vnet-cni' },
      ...{ napi: true, tagLibc: true },
      ...{ strip: true, stripBin: `${TRIPLETS[arch]}-strip` },
      nodeGyp: join(root, 'scripts', 'addon', 'node-gyp.mjs'),
    }),
  )
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { out: { type: 'string', default: root } },
    allowPositionals: true,
  })
  const out = resolve(values.out)
  const known = Object.keys(PLATFORMS)
  const unknown = positionals.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`no platform ${unknown}: use some of ${known.join(', ')}`)
  }
  for (const name of positionals.length > 0 ? positionals : known) {
    const platform = PLATFORMS[name]
    const file = join(out, prebuildFile(platform))
    rmSync(file, { force: true })
    need(`${TRIPLETS[platform.arch]}-strip`)
    await make(platform, out)
    try {
      const { machine, needed, versions } = checkAddon(file, platform)
      const symbols = Object.entries(versions).map(
        ([family, high]) => `${family}_${high}`,
      )
      const facts = [
        machine,
        `needs ${needed}`,
        `up to ${symbols}`,
        `${statSync(file).size} bytes`,
      ]
      const told = facts.filter((fact) => fact !== 'up to ').join(', ')
      process.stdout.write(`${relative(process.cwd(), file)}: ${told}\n`)
    } catch (error) {
      rmSync(file, { force: true })
      throw error
    }
  }
}

await main().catch((error) => {
  process.stderr.write(`prebuild: ${error.message}\n`)
  process.exitCode = 1
})
