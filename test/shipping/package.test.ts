import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { cpSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/build-once.js'
import { packPackage } from '../helpers/package.js'
import { must, run } from '../helpers/process.js'

const packed = await packPackage()
await must('tar', ['-xzf', packed.archive, '-C', packed.folder])
const names = (await must('tar', ['-tzf', packed.archive]))
  .trim()
  .split('\n')
  .map((name) => name.replace(/^package\//, ''))

const ADDONS = [
  'prebuilds/linux-arm64/vnet-cni.glibc.node',
  'prebuilds/linux-x64/vnet-cni.glibc.node',
  'prebuilds/linux-x64/vnet-cni.musl.node',
]

/** What may be in the package; everything else is rubbish. */
const WANTED = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|binding\.gyp)$/,
  /^dist\/(esm|cjs)\/(package\.json|[\w/.-]+\.(c?js|c?js\.map|d\.c?ts))$/,
  /^lib\/[\w/-]+\.c?ts$/,
  /^native\/(sources\.json|[\w/]+\.(cc|h))$/,
  /^prebuilds\/(README\.md|linux-\w+\/vnet-cni\.\w+\.node)$/,
  /^conf\/[\w.-]+\.conflist$/,
  /^docs\/[\w-]+\.(md|svg)$/,
]

t.test('the package holds what it needs and nothing else', async (t) => {
  t.same(names.filter((name) => name.endsWith('.node')).toSorted(), ADDONS)
  const rubbish = names.filter((name) => !WANTED.some((pattern) => pattern.test(name)))
  t.same(rubbish, [])
  const developers = names.filter((name) => /^native\/(build|fuzz|portable)\//.test(name))
  t.same(developers, [], 'developers’ parts of native/ stay at home')
  const bytes = statSync(packed.archive).size
  t.ok(bytes < 2 * 1024 * 1024, `${names.length} files, ${bytes} bytes`)
})

t.test('no file names the folder it was made in', (t) => {
  const told = names.filter((name) =>
    readFileSync(join(packed.folder, 'package', name)).includes(ROOT),
  )
  t.same(told, [])
  t.end()
})

t.test('what is missing or old is not packed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-prepack-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const check = () =>
    run(process.execPath, [join(ROOT, 'scripts', 'check-package.mjs'), folder])
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  const empty = await check()
  t.equal(empty.code, 1)
  t.match(empty.stderr, /dist\/esm\/index\.js is missing: npm run build:lib makes it/)
  for (const path of ADDONS) t.match(empty.stderr, `${path} is missing: npm run prebuild`)

  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const compiled = JSON.stringify(exports).match(/dist\/[\w/.]+/g) ?? []
  for (const path of [...compiled, ...ADDONS, 'native/addon.cc']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), '')
  }
  utimesSync(join(folder, 'native', 'addon.cc'), 1000, 1000)
  t.match(await check(), { code: 0, stderr: '' })

  utimesSync(join(folder, ADDONS[2]!), 999, 999)
  const old = await check()
  t.equal(old.code, 1)
  t.match(old.stderr, `${ADDONS[2]} is older than its sources: npm run prebuild`)
  t.equal(old.stderr.trim().split('\n').length, 1)
})

t.test('npm pack asks that question, and install scripts need no more than Node', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  t.equal(scripts.prepack, 'node scripts/check-package.mjs')
  t.equal(scripts.install, 'node-gyp-build')
  t.notOk('preinstall' in scripts || 'postinstall' in scripts)
  t.end()
})
