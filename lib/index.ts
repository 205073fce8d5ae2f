/**
 * Netlink, nftables and CNI for Node.
 *
 * @module vnet-cni
 */
export type { Wire, WireFailure, WireRef, WireStep } from './binding.js'
export { NetlinkError, SyscallError } from './errors.js'
export { ipv4Bytes, ipv6Bytes, macBytes } from './ip/index.js'
export * from './conntrack/index.js'
export * from './netlink/index.js'
export * from './nft/index.js'
