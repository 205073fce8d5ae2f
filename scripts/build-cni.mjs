// Fills dist/cni with one launcher per plug-in, so that CNI_PATH=dist/cni works.
// The interpreter line names the Node that built it: a runtime may call a plug-in with an
// empty PATH, and `env node` would be one more program to start on every ADD.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const out = join(root, 'dist', 'cni')
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n')
const programs = ['vnet-cni', 'azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback']
for (const plugin of programs) {
  const launcher = `#!${process.execPath}\nrequire('../cjs/main.js').main('${plugin}')\n`
  writeFileSync(join(out, plugin), launcher, { mode: 0o755 })
}
