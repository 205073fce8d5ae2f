/** The errnos of namespaces, sysctls and monitors, and those of a process without rights. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { NetNs } from 'vnet-cni'
import { pathOf } from '../helper.js'
import type { CallCase, World } from './world.js'

const NOBODY = 65534
const root = fileURLToPath(new URL('../../..', import.meta.url))
/** A namespace's name that this process alone uses. */
const pinned = `vnet-errno-${process.pid}`

/** What a line of JavaScript throws in another process, which `prefix` starts. */
function elsewhere(w: World, prefix: string[], line: string): unknown {
  const code = `import { NetNs } from 'vnet-cni'
    try { ${line}; console.log('{}') }
    catch (e) {
      const { name, code, syscall, message } = e
      console.log(JSON.stringify({ name, code, syscall, message }))
    }`
  const node = [process.execPath, '--input-type=module', '-e', code]
  const argv = [
    `--net=${pathOf(w.host)}`,
    ...prefix,
    'env',
    '-u',
    'NODE_OPTIONS',
    ...node,
  ]
  const done = spawnSync('nsenter', argv, { cwd: root, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${line}: ${done.stderr}`)
  return JSON.parse(done.stdout)
}

const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
/** Root that may enter namespaces, but change nothing in them. */
const noNetAdmin = ['setpriv', '--inh-caps=-net_admin', '--bounding-set=-net_admin']
const denied = (w: World, line: string) => elsewhere(w, asNobody, line)

/** What a call throws here. */
function here(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}

function withPinned(call: () => unknown): unknown {
  const ns = NetNs.create({ name: pinned })
  try {
    return here(call)
  } finally {
    ns.close()
    NetNs.delete(pinned)
  }
}

function withFile(call: (fd: number) => unknown): unknown {
  const fd = openSync('/dev/null', 'r')
  try {
    return here(() => call(fd))
  } finally {
    closeSync(fd)
  }
}

const SYSCALL = 'SyscallError'
type Handle = readonly [
  verb: string,
  code: string,
  syscall: string,
  call: CallCase['call'],
]
const handles: readonly Handle[] = [
  ['NetNs.open', 'ENOENT', 'open', () => here(() => NetNs.open('/run/netns/ghost'))],
  ['NetNs.open', 'EINVAL', 'ioctl', () => here(() => NetNs.open('/dev/null'))],
  ['NetNs.open', 'EACCES', 'open', (w) => denied(w, `NetNs.open('/proc/1/ns/net')`)],
  ['NetNs.fromPid', 'ENOENT', 'open', () => here(() => NetNs.fromPid(0x7fffffff))],
  ['NetNs.fromPid', 'EACCES', 'open', (w) => denied(w, 'NetNs.fromPid(1)')],
  ['NetNs.fromFd', 'ENOENT', 'open', () => here(() => NetNs.fromFd(54_321))],
  ['NetNs.fromFd', 'EINVAL', 'ioctl', () => withFile((fd) => NetNs.fromFd(fd))],
  ['NetNs.openPinned', 'ENOENT', 'open', () => here(() => NetNs.openPinned('ghost'))],
  [
    'NetNs.create',
    'EEXIST',
    'open',
    () => withPinned(() => NetNs.create({ name: pinned })),
  ],
  ['NetNs.create', 'EPERM', 'unshare', (w) => denied(w, 'NetNs.create()')],
  ['NetNs.delete', 'ENOENT', 'umount2', () => here(() => NetNs.delete('vnet-ghost'))],
]
const ofHandles = handles.map(([verb, code, syscall, call]): CallCase => ({
  verb,
  code,
  syscall,
  call,
  name: SYSCALL,
}))

const sysctls: CallCase[] = (
  [
    ['sysctl.get', 'ENOENT', 'open', ['net/ipv4/none']],
    ['sysctl.get', 'EACCES', 'open', ['net/ipv4/route/flush']],
    ['sysctl.get', 'EISDIR', 'read', ['net/ipv4']],
    ['sysctl.set', 'ENOENT', 'open', ['net/ipv4/none', 1]],
    ['sysctl.set', 'EACCES', 'open', ['net/ipv4/tcp_available_congestion_control', 'x']],
    ['sysctl.set', 'EINVAL', 'write', ['net/ipv4/ip_forward', 'x']],
  ] as const
).map(([verb, code, syscall, [name, value]]) => ({
  verb,
  code,
  syscall,
  name: SYSCALL,
  call: ({ host }) =>
    here(() =>
      value === undefined
        ? host.sync.sysctl.get(name)
        : host.sync.sysctl.set(name, value),
    ),
}))

const change = `NetNs.current().sync.link.set('lo', { up: true })`
const watch = (kind: string) => `NetNs.current().monitor(['${kind}'])`
// Node itself needs some to load the library.
const fewFiles = ['prlimit', '--nofile=256']
const full = (line: string) => `
  const { openSync } = await import('node:fs')
  const ns = NetNs.current()
  ns.native.fd()
  try { for (;;) openSync('/dev/null') } catch {}
  ${line}`

const rights: CallCase[] = [
  {
    verb: 'Plan.run',
    code: 'EPERM',
    name: 'NetlinkError',
    call: (w) => elsewhere(w, noNetAdmin, change),
  },
  {
    verb: 'Plan.run',
    code: 'EPERM',
    // One's own namespace needs no entering.
    name: 'NetlinkError',
    call: (w) => denied(w, change),
  },
  {
    verb: 'Plan.run',
    code: 'EMFILE',
    name: SYSCALL,
    syscall: 'socket',
    call: (w) => elsewhere(w, fewFiles, full('ns.sync.link.dump()')),
  },
  {
    verb: 'NetNs.monitor',
    code: 'EPERM',
    name: SYSCALL,
    syscall: 'setsockopt',
    call: (w) => elsewhere(w, noNetAdmin, watch('nft')),
  },
  {
    verb: 'NetNs.monitor',
    code: 'EMFILE',
    name: SYSCALL,
    syscall: 'socket',
    call: (w) => elsewhere(w, fewFiles, full(`ns.monitor(['link'])`)),
  },
]

export const callCases: readonly CallCase[] = [...ofHandles, ...sysctls, ...rights]
