import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/build-once.js'
import { currentPrebuilds } from '../helpers/package.js'
import { must, run } from '../helpers/process.js'

await currentPrebuilds()
const addon = (name: string) => join(ROOT, 'prebuilds', name)

const MADE = [
  { file: 'linux-x64/vnet-cni.glibc.node', machine: 'X86-64', needs: ['libc.so.6'] },
  { file: 'linux-x64/vnet-cni.musl.node', machine: 'X86-64', needs: ['libc.so'] },
  { file: 'linux-arm64/vnet-cni.glibc.node', machine: 'AArch64', needs: ['libc.so.6'] },
]

/** The newest glibc whose symbols may be used; docs/shipping.md promises it. */
const GLIBC: [number, number] = [2, 17]

/** Versions that an addon wants of its libraries' symbols, such as GLIBC_2.14. */
async function versions(path: string): Promise<string[]> {
  const table = await must('objdump', ['-p', path])
  const wanted = table.split('Version References:')[1] ?? ''
  return [...wanted.matchAll(/ ([A-Z]+_[\d.]+)$/gm)].map(([, version]) => version!)
}

for (const { file, machine, needs } of MADE) {
  t.test(`${file} needs the C library alone`, async (t) => {
    const path = addon(file)
    t.match(await must('readelf', ['-h', path]), new RegExp(`Machine:.*${machine}`))
    const dynamic = await must('readelf', ['-d', path])
    const needed = [...dynamic.matchAll(/NEEDED.*\[(.*)\]/g)].map(([, name]) => name)
    t.same(needed, needs)
    t.notMatch(dynamic, /RPATH|RUNPATH|TEXTREL/)
    const wanted = await versions(path)
    t.equal(wanted.length > 0, file.includes('glibc'), `${wanted}`)
    for (const version of wanted) {
      const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? []
      const fits = Number(major) === GLIBC[0] && Number(minor) <= GLIBC[1]
      t.ok(fits, `${version} is in glibc ${GLIBC.join('.')}`)
    }
    const symbols = (await must('nm', ['-D', '--defined-only', path])).trim().split('\n')
    t.same(symbols.map((line) => line.split(' ').at(-1)).toSorted(), [
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ])
  })
}

t.test('an addon that asks too much is refused, with the cure', async (t) => {
  // Any library that is linked against this machine's C library will do.
  const { href } = new URL('../../scripts/addon/check.mjs', import.meta.url)
  const check = (file: string, arch: string, libc: string) =>
    run(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { checkAddon } from ${JSON.stringify(href)}
      checkAddon(${JSON.stringify(file)}, ${JSON.stringify({ arch, libc })})`,
    ])
  const library = (await must('gcc', ['-print-file-name=libstdc++.so'])).trim()
  const wide = await check(library, 'x64', 'glibc')
  t.equal(wide.code, 1)
  t.match(wide.stderr, /needs .*libm\.so\.6.*, not only libc\.so\.6/)
  t.match(
    wide.stderr,
    /needs GLIBC_2\.\d\d, newer than 2\.17 \(see native\/portable\/glibc/,
  )
  const wrong = await check(addon(MADE[0]!.file), 'x64', 'musl')
  t.match(wrong.stderr, /needs libc\.so\.6, not only libc\.so; needs GLIBC_/)
  const other = await check(addon(MADE[2]!.file), 'x64', 'glibc')
  t.match(other.stderr, /is for AArch64/)
})

t.test('an unknown platform is refused before anything is made', async (t) => {
  const script = join(ROOT, 'scripts', 'prebuild.mjs')
  const refused = await run(process.execPath, [script, 'linux-ppc64-glibc'])
  t.equal(refused.code, 1)
  t.equal(
    refused.stderr,
    'prebuild: no platform linux-ppc64-glibc: use some of linux-x64-glibc, ' +
      'linux-x64-musl, linux-arm64-glibc\n',
  )
})
