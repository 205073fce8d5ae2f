// Makes dist/bundle: one executable with Node, our code and the addon, and its links.
//
//   node scripts/bundle.mjs [--arch x64|arm64|all] [--out DIR] [--reproducible]
//
// Two bundles from one commit are equal byte for byte, V8's code cache included: the loader's
// switches keep V8 from mixing a random seed into it. Yet the cache is V8's own affair, so
// --reproducible leaves it out, for whoever compares builds of different machines.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeBundle } from './bundle/make.mjs'
import { ARCHITECTURES, bundleFolder } from './paths.mjs'

async function main() {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: process.arch },
      out: { type: 'string' },
      reproducible: { type: 'boolean', default: false },
    },
  })
  const known = Object.keys(ARCHITECTURES)
  const wanted = values.arch === 'all' ? known : [values.arch]
  const unknown = wanted.filter((arch) => !known.includes(arch))
  if (unknown.length > 0) {
    throw new Error(`--arch ${unknown}: use one of ${known.join(', ')}, all`)
  }
  for (const arch of wanted) {
    const several = values.out && wanted.length > 1 ? arch : ''
    const out = values.out ? join(resolve(values.out), several) : bundleFolder(arch)
    const { sum, cached } = await makeBundle({
      arch,
      out,
      codeCache: !values.reproducible,
    })
    const kind = cached ? 'with code cache' : 'without code cache'
    process.stdout.write(`${out}: ${arch}, ${kind}, sha256 ${sum}\n`)
  }
}

await main().catch((error) => {
  process.stderr.write(`bundle: ${error.message}\n`)
  process.exitCode = 1
})
