import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import * as esm from 'vnet-cni'
import { VERSION } from '../../dist/esm/version.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  files: string[]
  exports: Record<'.', Record<string, Record<string, string>>>
}

/** Modules that run as a program when they are loaded. */
const PROGRAMS = new Set(['bundle.js'])

function modules(folder: string): string[] {
  const all = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return all.filter((name) => /\.(js|cjs)$/.test(name)).toSorted()
}

t.test('the version is the package’s', async (t) => {
  t.equal(VERSION, manifest.version)
})

t.test('every module of the ESM build can be imported', async (t) => {
  const names = modules('dist/esm').filter((name) => !PROGRAMS.has(name))
  t.ok(names.length > 40)
  for (const name of names) {
    const url = pathToFileURL(join(root, 'dist/esm', name)).href
    const loaded = (await import(url)) as object
    t.type(loaded, 'object', name)
  }
})

t.test('every module of the CommonJS build can be required', async (t) => {
  const names = modules('dist/cjs')
  t.strictSame(names, modules('dist/esm'), 'both builds have the same modules')
  for (const name of names.filter((n) => !PROGRAMS.has(n))) {
    const loaded = require(join(root, 'dist/cjs', name)) as object
    const url = pathToFileURL(join(root, 'dist/esm', name)).href
    const keys = (o: object) =>
      Object.keys(o)
        .filter((k) => !isMarker(k))
        .toSorted()
    const other = (await import(url)) as object
    t.strictSame(keys(loaded), keys(other), name)
  }
})

/** Names that the compiler or Node adds to a module. */
function isMarker(key: string): boolean {
  return key === '__esModule' || key === 'module.exports' || key === 'default'
}

t.test('both ways into the package offer the same, and only once', async (t) => {
  const cjs = require('vnet-cni') as typeof esm
  t.strictSame(Object.keys(cjs).toSorted(), Object.keys(esm).toSorted())
  for (const name of ['NetNs', 'NetlinkError', 'SyscallError', 'Transaction'] as const) {
    t.type(new Map(Object.entries(esm)).get(name), 'function')
  }
  t.throws(() => require('vnet-cni/dist/esm/binding.js'), {
    code: 'ERR_PACKAGE_PATH_NOT_EXPORTED',
  })
})

t.test('what the manifest names is there', async (t) => {
  for (const targets of Object.values(manifest.exports['.'])) {
    for (const path of Object.values(targets)) t.ok(existsSync(join(root, path)), path)
  }
  // What is left out need not be there.
  const files = manifest.files.filter((path) => !path.startsWith('!'))
  for (const path of files)
    t.ok(existsSync(join(root, path.replace(/\*\.\w+$/, ''))), path)
})

/** Every run-time name of the package: one that is added or gone is a change of the public API. */
const PUBLIC = `
  ExecError FOREVER IFA_F IFF NTF NUD NetNs NetlinkError SyscallError Transaction
  between bits byteorder compare connlimit counter ctOf ctState decodeValue dnat dnatFromMap dup dynset
  encodeValue eq exprData fib field forward hash hostOrder ifname immediate inPrefix inSet ipProtocols
  ipv4Bytes ipv6Bytes last limit loadKey log macBytes mapLookup mask maskedEq masquerade masqueradeTo
  neq nftFamilies notrack numgen objectMap objectRef objectTypes ofProtocol payload queue quota redirect reject rt
  shift snat socket store storeFrom tproxy verdict verdictMap
`

t.test('the package offers these names and no others', async (t) => {
  const names = PUBLIC.trim().split(/\s+/)
  t.strictSame(Object.keys(esm).toSorted(), names.toSorted())
  const testing = (await import('vnet-cni/testing')) as object
  t.strictSame(Object.keys(testing), ['FakeKernel'])
})

t.test('no .d.ts file tells of anything internal', async (t) => {
  for (const build of ['dist/esm', 'dist/cjs']) {
    const all = readdirSync(join(root, build), { recursive: true, encoding: 'utf8' })
    const types = all.filter((name) => /\.d\.c?ts$/.test(name))
    t.ok(types.length > 40)
    const telling = types.filter((name) =>
      readFileSync(join(root, build, name), 'utf8').includes('@internal'),
    )
    t.strictSame(telling, [], build)
  }
})

const CONSUMER = `
import { NetNs, NetlinkError, Transaction, eq, field, ifname, verdict } from 'vnet-cni'
import type { Address, Link, LinkSpec, Plan, Ruleset, StepRef } from 'vnet-cni'
import { FakeKernel } from 'vnet-cni/testing'

const host: NetNs = new FakeKernel().netns()
const plan: Plan = host.plan()
const spec: LinkSpec = { name: 'a', up: true, mtu: 1400 }
const [outer, inner] = plan.link.addVeth(spec, { name: 'b', netns: host })
plan.address.add({ link: outer, address: '10.0.0.1/24' })
plan.link.set(inner, { up: true })
const links: StepRef<Link[]> = plan.link.dump()
const macs: string[] = plan.runSync().of(links).map(({ mac }) => mac)
const rule = [...eq(field.iifname, ifname('a')), verdict('drop')]
const tx = new Transaction().addRule({ family: 'ip', table: 't', chain: 'c', expressions: rule })
async function all(signal: AbortSignal): Promise<[Address[], Ruleset]> {
  await host.nftables.commit(tx, { signal }).catch((error: unknown) => {
    if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error
  })
  return [await host.address.dump({ link: 'a' }), await host.nftables.list()]
}
// @ts-expect-error: the addon's handle is nobody's
host.native
// @ts-expect-error: a namespace is no number
plan.in(5)
// @ts-expect-error: nor is what the encoder calls things anybody's
import { linkToWire } from 'vnet-cni'
export { all, linkToWire, macs }
`

t.test('a program in TypeScript compiles against the .d.ts files, all of them', (t) => {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'consumer.ts': CONSUMER,
    'consumer.cts': CONSUMER,
    node_modules: { 'vnet-cni': t.fixture('symlink', root) },
  })
  const program = ts.createProgram(
    ['consumer.ts', 'consumer.cts'].map((name) => join(folder, name)),
    {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      preserveSymlinks: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules', '@types')],
    },
  )
  const seen = program.getSourceFiles().filter(({ fileName }) => /dist/.test(fileName))
  t.ok(seen.length > 40, 'the types that it was given are the package’s')
  const told = ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ''}: ${JSON.stringify(messageText)}`,
    )
  t.strictSame(told, [])
  t.end()
})
