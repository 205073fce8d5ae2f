import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/build-once.js'
import { installPackage, packPackage } from '../helpers/package.js'
import { must, run } from '../helpers/process.js'
import { VETH_COMMONJS, VETH_MADE, VETH_MODULE } from '../helpers/veth-program.js'

t.equal(process.getuid?.(), 0, 'these tests need root')
const packed = await packPackage()

/** The addon that a program in a project has to load: the package's own, for this machine. */
function prebuilt(project: string): string {
  const platform = `linux-${process.arch}`
  const path = ['node_modules', 'vnet-cni', 'prebuilds', platform, 'vnet-cni.glibc.node']
  return join(project, ...path)
}

/** Runs a program of a project with Node and answers with what it printed, parsed. */
async function report(project: string, file: string): Promise<unknown> {
  return JSON.parse(await must(process.execPath, [file], { cwd: project }))
}

const plain = await installPackage(packed, 'plain', '--ignore-scripts')

t.test(
  'it installs where nothing can be compiled, with and without scripts',
  async (t) => {
    const scripted = await installPackage(packed, 'scripted', '--foreground-scripts')
    for (const project of [plain, scripted]) {
      const installed = join(project, 'node_modules')
      t.notOk(existsSync(join(installed, 'vnet-cni', 'build')), 'nothing was compiled')
      writeFileSync(join(project, 'veth.cjs'), VETH_COMMONJS)
      const expected = { ...VETH_MADE, arch: process.arch, addons: [prebuilt(project)] }
      t.same(await report(project, 'veth.cjs'), expected)
    }
    const packages = readdirSync(join(plain, 'node_modules')).filter(
      (n) => !n.startsWith('.'),
    )
    t.ok(packages.length <= 12, `few packages come with it: ${packages}`)
  },
)

t.test('ES modules import it', async (t) => {
  writeFileSync(join(plain, 'veth.mjs'), VETH_MODULE)
  t.match(await report(plain, 'veth.mjs'), { ...VETH_MADE, addons: [prebuilt(plain)] })
})

const TESTING = `
import { NetNs, NetlinkError, type Plan } from 'vnet-cni'
import { FakeKernel } from 'vnet-cni/testing'

async function main(): Promise<void> {
  const fake = new FakeKernel()
  const ns: NetNs = fake.netns()
  const plan: Plan = ns.plan()
  plan.link.ensure({ kind: 'bridge', name: 'br0', up: true })
  await plan.run()
  // @ts-expect-error: a name is a string. Types that failed to resolve would let it pass.
  const wrong: number = (await ns.link.dump())[0]!.name
  const refused: unknown = await ns.link.del('nosuch').catch((error: unknown) => error)
  console.log(JSON.stringify([wrong, refused instanceof NetlinkError]))
}
void main()
`

/** Ways in which TypeScript resolves a package, with the ending of a source file for each. */
const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16', ending: 'mts' },
  { module: 'node16', moduleResolution: 'node16', ending: 'cts' },
  { module: 'nodenext', moduleResolution: 'nodenext', ending: 'mts' },
  { module: 'esnext', moduleResolution: 'bundler', ending: 'mts' },
]

for (const { module, moduleResolution, ending } of RESOLUTIONS) {
  t.test(`TypeScript, ${moduleResolution}, .${ending}`, async (t) => {
    const name = `${moduleResolution}-${ending}`
    for (const [base, text] of Object.entries({ veth: VETH_MODULE, fake: TESTING })) {
      writeFileSync(join(plain, `${base}-${name}.${ending}`), text)
    }
    const files = ['veth', 'fake'].map((base) => `${base}-${name}.${ending}`)
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'es2022', strict: true, outDir: name },
      // Every declaration that the package ships is checked, too.
      ...{ skipLibCheck: false, noUncheckedIndexedAccess: true },
      ...{ lib: ['es2023', 'esnext.disposable'] },
      ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] },
    }
    const config = `tsconfig-${name}.json`
    writeFileSync(join(plain, config), JSON.stringify({ compilerOptions, files }))
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const compiled = await run(process.execPath, [tsc, '-p', config], { cwd: plain })
    t.equal(compiled.stdout, '', 'no complaint')
    t.equal(compiled.code, 0)
    const script = (base: string) =>
      join(name, `${base}-${name}.${ending.replace('t', 'j')}`)
    t.match(await report(plain, script('veth')), {
      ...VETH_MADE,
      addons: [prebuilt(plain)],
    })
    t.same(await report(plain, script('fake')), ['lo', true])
  })
}
