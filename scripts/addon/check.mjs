// Reads from a compiled addon what it asks of the machine that loads it, and refuses one that asks
// more than docs/shipping.md promises.
import { execFileSync } from 'node:child_process'
import { TRIPLETS } from './compile.mjs'

/** The newest glibc whose symbols a prebuilt addon may use. Node 20's own builds need 2.28. */
export const OLDEST_GLIBC = '2.17'

const MACHINES = { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' }
const LIBRARIES = { glibc: ['libc.so.6'], musl: ['libc.so'] }

/** Newer first, for versions of dots and digits. */
function byVersion(a, b) {
  return b.localeCompare(a, 'en', { numeric: true })
}

function output(command, args) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
}

/**
 * What an addon is and needs: its machine, the libraries and symbols it takes from others (without
 * the weak ones, which may be missing), the highest version of each of their families (GLIBC,
 * GLIBCXX, CXXABI, GCC), and the symbols that it offers.
 */
export function inspectAddon(file) {
  const machine = /Machine: +(.*)/.exec(output('readelf', ['-h', file]))?.[1]
  const dynamic = output('readelf', ['-dW', file])
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
  const symbols = output('objdump', ['-T', file])
    .split('\n')
    .filter((l) => /^[0-9a-f]/.test(l))
  const versions = {}
  for (const [, family, version] of symbols
    .join('\n')
    .matchAll(/\(?\b([A-Z]+)_([\d.]+)\)? /g)) {
    const all = [version, versions[family] ?? '0']
    versions[family] = all.sort(byVersion)[0]
  }
  const name = (line) => line.trim().split(/\s+/).at(-1)
  const undefinedOnes = symbols.filter((line) => line.includes('*UND*'))
  return {
    machine,
    needed,
    versions,
    wants: undefinedOnes.filter((line) => !/^\S+ +w /.test(line)).map(name),
    offers: symbols.filter((line) => !line.includes('*UND*')).map(name),
  }
}

/** Throws unless an addon needs no more than Node and the C library it was made for. */
export function checkAddon(file, { arch, libc }) {
  const facts = inspectAddon(file)
  const { GLIBC, ...others } = facts.versions
  const wrong = []
  if (facts.machine !== MACHINES[arch]) wrong.push(`is for ${facts.machine}`)
  if (String(facts.needed) !== String(LIBRARIES[libc])) {
    wrong.push(`needs ${facts.needed}, not only ${LIBRARIES[libc]}`)
  }
  for (const [family, version] of Object.entries(others))
    wrong.push(`needs ${family}_${version}`)
  if (libc === 'musl' && GLIBC) wrong.push(`needs GLIBC_${GLIBC}`)
  if (libc === 'glibc' && !(byVersion(GLIBC ?? '999', OLDEST_GLIBC) >= 0)) {
    wrong.push(
      `needs GLIBC_${GLIBC}, newer than ${OLDEST_GLIBC} (see native/portable/glibc.cc)`,
    )
  }
  const there = new Set(symbolsOf({ arch, libc }))
  const missing = facts.wants.filter(
    (name) => !name.startsWith('napi_') && !there.has(name),
  )
  if (missing.length > 0) {
    wrong.push(`wants ${missing}, not in ${libc} (see native/portable/runtime.cc)`)
  }
  if (wrong.length > 0) throw new Error(`${file}: ${wrong.join('; ')}`)
  return facts
}

/** The names that a C library offers. */
function symbolsOf({ arch, libc }) {
  const triplet = TRIPLETS[arch]
  const file =
    libc === 'musl'
      ? `/usr/lib/${triplet.replace(/-gnu$/, '-musl')}/libc.so`
      : output(`${triplet}-gcc`, ['-print-file-name=libc.so.6']).trim()
  const lines = output('nm', ['-D', '--defined-only', file]).trim().split('\n')
  return lines.map((line) => line.split(' ').at(-1).replace(/@.*/, ''))
}
