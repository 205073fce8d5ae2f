// Right calls of every entry, whose arguments hostile values then take the places of.
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const nothing = () => undefined

/** By name: what makes the arguments of a right call; methods have a handle to be called on. */
export function entries(a, h) {
  const lock = join(tmpdir(), `vnet-cni-hostile-${process.pid}.lock`)
  const undo = () => [{ op: 'link.del', ns: 0, args: { name: 'none' } }]
  const steps = () => [
    { op: 'link.get', ns: 0, flags: 0, args: { name: 'lo' }, accept: [19] },
    { op: 'link.set', ns: 0, args: { index: { ref: 0, field: 'index' }, mtu: 65536 }, undo: undo() },
    { op: 'nft.batch', ns: 0, args: { messages: batch() } },
    { op: 'sysctl.get', ns: 0, args: { name: 'net/ipv4/ip_forward' } },
    { op: 'conntrack.list', ns: 0, args: { family: 2 } },
    { op: 'link.dump', ns: 0, args: {}, only: ['index', 'name'] },
  ] // prettier-ignore
  const batch = () => [
    { op: 'nft.table.new', flags: 0x400, args: { family: 2, name: 't', userdata: new Uint8Array([0, 2, 65, 0]) } },
    { op: 'nft.table.del', flags: 0, args: { family: 2, name: 't' } },
  ] // prettier-ignore
  const spec = () => ({
    file: '/bin/true',
    argv: ['true'],
    env: ['A=b'],
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const monitor = a.openMonitor(h, ['link'], 1, 0, nothing)
  const child = a.spawn(
    h,
    { ...spec(), file: '/bin/sleep', argv: ['sleep', '1000'] },
    nothing,
  )
  child.hold(false)
  return {
    openNetns: { given: () => ['/proc/self/ns/net'] },
    createNetns: { given: () => [undefined] },
    deleteNetns: { given: () => ['/nowhere/at/all'] },
    runSync: { given: () => [[h], steps(), false] },
    run: { given: () => [[h], steps(), false, a.newAbort()] },
    newAbort: { given: () => [] },
    lockFile: { given: () => [lock, 0, 'label'] },
    exitNow: { given: () => [0] },
    spawn: { given: () => [h, spec(), nothing] },
    openMonitor: { given: () => [h, ['link'], 1, 0, nothing] },
    'NativeNetNs.identity': { self: h, given: () => [] },
    'NativeNetNs.fd': { self: h, given: () => [] },
    'NativeNetNs.close': { self: a.createNetns(), given: () => [] },
    'NativeAbort.abort': { self: a.newAbort(), given: () => [] },
    'NativeLock.close': { self: a.lockFile(`${lock}.2`, 0, 'x'), given: () => [] },
    'NativeMonitor.take': { self: monitor, given: () => [1] },
    'NativeMonitor.hold': { self: monitor, given: () => [false] },
    'NativeMonitor.close': {
      self: a.openMonitor(h, ['link'], 1, 0, nothing),
      given: () => [],
    },
    'NativeChild.pid': { self: child, given: () => [] },
    'NativeChild.pipe': { self: child, given: () => [0] },
    'NativeChild.end': { self: child, given: () => [] },
    'NativeChild.kill': { self: child, given: () => [0] },
    'NativeChild.hold': { self: child, given: () => [false] },
    'NativeChild.close': { self: child, given: () => [] },
  }
}
