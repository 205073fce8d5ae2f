/** The namespaces in which the table of errnos is played through, and the form of its entries. */
import type { constants } from 'node:os'
import { NetNs, type Plan } from 'vnet-cni'

/** An errno that a verb documents, and how the kernel is brought to it. */
export interface Case {
  /** `link.add`: the group of a plan, and the verb whose documentation has the errno. */
  readonly verb: string
  readonly code: keyof typeof constants.errno
  /** The kernel's own words; none when absent. */
  readonly extAck?: string | RegExp
  /** The attribute that the kernel points at; none when absent. */
  readonly attribute?: string
  /** Adds the verb, whose last step is refused. */
  readonly make: (plan: Plan, world: World) => unknown
}

/** An errno of a call that is no verb of a plan, or that needs another process. */
export interface CallCase {
  readonly verb: string
  readonly code: string
  /** `SyscallError`, or `NetlinkError` for a request. */
  readonly name: 'SyscallError' | 'NetlinkError'
  /** The system call, for a SyscallError. */
  readonly syscall?: string
  /** Makes the call; answers with the error, thrown here or in another process. */
  readonly call: (world: World) => unknown
}

export interface World {
  readonly host: NetNs
  readonly other: NetNs
  /** Namespaces that `host` has no number for. */
  readonly strangers: readonly NetNs[]
}

/** No link has this index. */
export const GONE = 9999
export const MAC = '02:00:00:00:00:09'
export const GROUP_MAC = '01:00:5e:00:00:09'
export const ZERO_MAC = '00:00:00:00:00:00'

function links(host: NetNs, other: NetNs): void {
  const p = host.plan()
  // No link-local addresses, whose routes come when they like.
  p.sysctl.set('net/ipv6/conf/default/addr_gen_mode', 1)
  p.link.set('lo', { up: true, group: 78 })
  p.link.addAltName(
    p.link.add({ kind: 'bridge', name: 'br0', up: true }),
    'bridge-of-tests',
  )
  p.link.add({ kind: 'bridge', name: 'br1', stp: true })
  p.link.add({ kind: 'bridge', name: 'small', mtu: 1000 })
  p.link.addVeth({ name: 'va', up: true }, { name: 'vb', up: true })
  p.link.addVeth({ name: 'down0' }, { name: 'down1' })
  p.link.addVeth({ name: 'port0', master: 'br0', up: true }, { name: 'port1', up: true })
  p.link.addVeth({ name: 'quiet0', master: 'br0' }, { name: 'quiet1' })
  p.link.addVeth({ name: 'stp0', master: 'br1', up: true }, { name: 'stp1', up: true })
  p.link.addVeth({ name: 'busy0' }, { name: 'busy1' })
  p.link.add({ kind: 'macvlan', name: 'mv0', link: 'busy0', mode: 'passthru' })
  p.link.add({ kind: 'vxlan', name: 'vx0', id: 5, port: 4789 })
  p.in(other).link.add({ kind: 'bridge', name: 'va' })
  p.runSync()
}

function entries(host: NetNs, other: NetNs): void {
  const p = host.plan()
  p.sysctl.set('net/ipv6/conf/down0/disable_ipv6', 1)
  p.address.add({ link: 'va', address: '10.0.0.1/24' })
  p.address.add({ link: 'va', address: 'fd00::1/64', nodad: true })
  p.route.add({ to: '10.9.0.0/24', via: '10.0.0.2' })
  p.route.add({ to: 'fd09::/64', via: 'fd00::2' })
  for (const [i, type] of (
    ['blackhole', 'unreachable', 'prohibit', 'throw'] as const
  ).entries()) {
    p.route.add({ to: `10.8${i}.0.0/24`, type })
    p.route.add({ to: `fd8${i}::/64`, type })
  }
  p.rule.add({ from: '10.1.0.0/16', table: 100, priority: 500 })
  p.neighbour.add({ link: 'va', address: '10.0.0.3', mac: MAC })
  p.fdb.add({ link: 'port0', mac: MAC })
  p.fdb.add({ link: 'vx0', mac: MAC, table: 'self', remote: '10.0.0.9' })
  p.nsid.set(other, 5)
  p.nextHop.add({ id: 71, via: '10.0.0.2', link: 'va' })
  p.nextHop.add({ id: 72, via: '10.0.0.3', link: 'va' })
  p.nextHop.add({ id: 73, group: [{ id: 71 }] })
  p.runSync()
}

/** Makes the namespaces; the caller closes them. */
export function makeWorld(): World {
  const host = NetNs.create()
  const other = NetNs.create()
  links(host, other)
  entries(host, other)
  return { host, other, strangers: [NetNs.create(), NetNs.create()] }
}

/** Lets go of the namespaces, and with them of all that is in them. */
export function closeWorld({ host, other, strangers }: World): void {
  for (const ns of [host, other, ...strangers]) ns.close()
}
