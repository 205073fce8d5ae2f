/**
 * The rules of .oxlintrc.json that keep the rooms of lib/ apart: each is broken once, and must say
 * so; a rule whose pattern has come to match nothing would be silent for ever.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { run } from '../helpers/process.js'

const root = process.cwd()
const folder = mkdtempSync(join(tmpdir(), 'vnet-cni-seams-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))

interface Told {
  code: string
  message: string
  filename: string
}

/** The files in which a rule of the seams fires, with what it says. */
async function lint(files: Record<string, string>): Promise<Map<string, string[]>> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    writeFileSync(join(folder, name), `${text}\n`)
  }
  const oxlint = join(root, 'node_modules', '.bin', 'oxlint')
  // tap's own hooks, which it gives to every program of Node, break oxlint's start.
  const clean = ['-u', 'NODE_OPTIONS', oxlint, '--format', 'json']
  const {
    stdout,
    stderr,
    code: status,
  } = await run('env', [...clean, ...Object.keys(files)], { cwd: folder })
  if (!stdout) throw new Error(`oxlint ended with ${status}: ${stderr}`)
  const told = new Map<string, string[]>()
  for (const { code, message, filename } of (
    JSON.parse(stdout) as { diagnostics: Told[] }
  ).diagnostics) {
    if (!code.includes('no-restricted-')) continue
    told.set(filename, [...(told.get(filename) ?? []), message])
  }
  return told
}

/** A room, and how many folders its files are below lib/. */
const ABOVE_NETLINK: Record<string, string> = {
  agent: '..',
  cli: '..',
  'cni/plugin': '../..',
  'cni/runtime': '../..',
  'cni/spec': '../..',
  drivers: '..',
  engine: '..',
  ipam: '..',
  'ipam/sources': '../..',
  plugins: '..',
  'plugins/azure-vnet': '../..',
  portmap: '..',
  state: '..',
  vnet: '..',
  'vnet/bridge': '../..',
}

t.test('nothing above lib/netlink reaches for the outside by itself', async (t) => {
  const reaches: Record<string, (up: string) => string> = {
    process: () => 'export const x = process.env',
    'a part of process': () => 'export const { pid } = process',
    'process by globalThis': () => 'export const x = globalThis.process',
    'process by import': () => "export { env } from 'node:process'",
    clock: () => 'export const x = Date.now()',
    'clock by parts': () => 'export const { now } = Date',
    'another clock': () => 'export const x = performance.now()',
    network: () => "export const x = fetch('http://x')",
    'NetNs.current': () => 'export const x = NetNs.current()',
    'NetNs.open': () => "export const x = NetNs.open('/x')",
    'NetNs as a value': (up) => `export { NetNs } from '${up}/netlink/index.js'`,
    'NetNs by its file': (up) =>
      `import { NetNs } from '${up}/netlink/netns.js'; export const x = NetNs`,
    'NetNs by the library': (up) =>
      `import { NetNs } from '${up}/index.js'; export const x = NetNs`,
    'the addon': (up) =>
      `import { addon } from '${up}/binding.js'; export const x = addon()`,
    'the addon, later': (up) => `export const x = () => import('${up}/binding.js')`,
    'the addon itself': (up) => `export { loadNative } from '${up}/addon.cjs'`,
    programs: () => "export { spawn } from 'node:child_process'",
    'programs, later': () => "export const x = () => import('node:child_process')",
    os: () => "export { hostname } from 'node:os'",
    http: () => "export { get } from 'http'",
    'a Host piece': (up) => `export { execProgram } from '${up}/host/exec.js'`,
    'another Host piece': (up) => `export const x = () => import('${up}/host/http.js')`,
  }
  const files: Record<string, string> = {}
  for (const [room, up] of Object.entries(ABOVE_NETLINK)) {
    for (const [what, text] of Object.entries(reaches)) {
      files[`lib/${room}/${what.replace(/\W/g, '-')}.ts`] = text(up)
    }
  }
  for (const file of ['lib/main.ts', 'lib/bundle.ts']) {
    files[file] = 'export const x = process.env'
  }
  const told = await lint(files)
  for (const name of Object.keys(files)) t.ok(told.has(name), name)
})

t.test('types may be named, and files opened where that is the business', async (t) => {
  const types = (up: string) => `
    import type { NetNs } from '${up}/netlink/index.js'
    import type { Addon } from '${up}/binding.js'
    import type { HttpError } from '${up}/host/http.js'
    import type { constants } from 'node:os'
    export type All = [NetNs, Addon, HttpError, typeof constants]`
  const free = await lint({
    'lib/ipam/types-only.ts': types('..'),
    'lib/portmap/types-only.ts': types('..'),
    'lib/plugins/doors.ts': "export { processWorld } from '../host/world.js'",
    'lib/cli/doors.ts': "export const x = () => import('../host/process-host.js')",
    'lib/host/world.ts': 'export const x = [process.env, Date.now()]',
    'lib/netlink/anything.ts': 'export const x = process.pid',
    'lib/state/files.ts': "export { readFileSync } from 'node:fs'",
    'lib/host/files.ts': "export { readFileSync } from 'node:fs'",
    'lib/cni/plugin/log.ts': "export { readFileSync } from 'node:fs'",
    'lib/cni/runtime/files.ts': "export { readFileSync } from 'node:fs'",
  })
  t.strictSame([...free], [])
  const rooms = ['agent', 'cli', 'cni/plugin', 'cni/spec', 'drivers', 'engine', 'ipam']
  const others = [...rooms, 'plugins', 'portmap', 'vnet']
  const opening = others.flatMap((room) => [
    [`lib/${room}/opens.ts`, "export { readFileSync } from 'node:fs'"],
    [`lib/${room}/opens-later.ts`, "export const x = () => import('fs/promises')"],
  ])
  const told = await lint(Object.fromEntries(opening))
  for (const [name] of opening) t.ok(told.has(`${name}`), `${name}`)
})

/** The rooms that one may not import from, whether a value, a type, or later. */
const CLOSED: Record<string, string[]> = {
  ip: ['netlink/index', 'cni/spec/errors', 'state/store', 'vnet/index', 'host/host'],
  netlink: ['cni/spec/errors', 'host/host', 'state/store', 'vnet/index', 'engine/attach'],
  nft: ['cni/spec/errors', 'host/host', 'portmap/index', 'plugins/process', 'main'],
  testing: ['cni/spec/errors', 'host/host', 'engine/attach'],
  host: ['cni/spec/errors', 'state/store', 'ipam/index', 'engine/attach', 'cli/index'],
  'cni/spec': ['host/host', 'netlink/index', 'state/store', 'cni/plugin/log', 'engine/x'],
  'cni/plugin': [
    'cni/runtime/list',
    'netlink/index',
    'state/store',
    'vnet/index',
    'main',
  ],
  'cni/runtime': ['cni/plugin/plugin', 'netlink/index', 'ipam/index', 'plugins/process'],
  state: ['cni/spec/errors', 'netlink/index', 'nft/index', 'ipam/index', 'engine/attach'],
  ipam: ['vnet/index', 'portmap/index', 'engine/attach', 'cni/plugin/log', 'cli/index'],
  vnet: ['ipam/index', 'portmap/index', 'engine/attach', 'cni/runtime/list', 'main'],
  portmap: ['ipam/index', 'vnet/index', 'engine/attach', 'cni/plugin/plugin', 'agent/x'],
  engine: ['plugins/process', 'cli/index', 'agent/server', 'cni/plugin/plugin', 'main'],
  plugins: ['cli/index', 'agent/server', 'drivers/docker', 'main', 'testing/index'],
  cli: ['testing/index'],
}

t.test('imports point one way', async (t) => {
  const files: Record<string, string> = {}
  for (const [room, closed] of Object.entries(CLOSED)) {
    const up = room.includes('/') ? '../..' : '..'
    for (const other of closed) {
      // As it is written from there: a neighbour in lib/cni is one folder away.
      const near = room.startsWith('cni/') && other.startsWith('cni/')
      const path = near ? `../${other.slice('cni/'.length)}.js` : `${up}/${other}.js`
      const name = `lib/${room}/to-${other.replace('/', '-').replace('/', '-')}`
      files[`${name}.ts`] = `export { x } from '${path}'`
      files[`${name}-type.ts`] = `import type { X } from '${path}'; export type Y = X`
      files[`${name}-later.ts`] = `export const x = () => import('${path}')`
    }
  }
  const told = await lint(files)
  for (const name of Object.keys(files)) t.ok(told.has(name), name)
})
