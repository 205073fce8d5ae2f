import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { installPackage, packPackage } from '../helpers/package.js'
import { arm64Runtime, muslRuntime, type Runtime } from '../helpers/runtimes.js'
import { VETH_COMMONJS, VETH_MADE, VETH_MODULE } from '../helpers/veth-program.js'

t.equal(process.getuid?.(), 0, 'these tests need root')
const packed = await packPackage()
const project = await installPackage(packed, 'project', '--ignore-scripts')
writeFileSync(join(project, 'veth.cjs'), VETH_COMMONJS)
writeFileSync(join(project, 'veth.mjs'), VETH_MODULE)

const MAPS = `
const { readFileSync } = require('node:fs')
const files = readFileSync('/proc/self/maps', 'utf8').match(/\\/\\S+\\.so\\S*$/gm)
console.log(JSON.stringify([...new Set(files)]))
`
writeFileSync(join(project, 'maps.cjs'), MAPS)

/** What a script printed; fails the test when it came to another end than success. */
async function printed(t: Test, runtime: Runtime, file: string): Promise<unknown> {
  const { code, signal, stdout, stderr } = await runtime(file, project)
  t.same({ code, signal, stderr }, { code: 0, signal: null, stderr: '' }, file)
  return JSON.parse(stdout)
}

async function makesVethPair(t: Test, runtime: Runtime, arch: string, file: string) {
  const addons = [join(project, 'node_modules/vnet-cni/prebuilds', `linux-${arch}`, file)]
  for (const program of ['veth.cjs', 'veth.mjs']) {
    t.same(await printed(t, runtime, program), { ...VETH_MADE, arch, addons })
  }
}

t.test('x64 with musl', async (t) => {
  const runtime = await muslRuntime(packed.folder)
  const mapped = (await printed(t, runtime, 'maps.cjs')) as string[]
  const libraries = mapped.filter((path) => /\/(libc|ld-)[^/]*$/.test(path))
  t.ok(
    libraries.some((path) => path.includes('musl')),
    `${libraries}`,
  )
  t.notOk(mapped.some((path) => /libc\.so\.6|x86_64-linux-gnu\/(libc|ld-)/.test(path)))
  await makesVethPair(t, runtime, 'x64', 'vnet-cni.musl.node')
})

t.test('arm64 with glibc', async (t) => {
  const runtime = await arm64Runtime(packed.folder)
  await makesVethPair(t, runtime, 'arm64', 'vnet-cni.glibc.node')
})
