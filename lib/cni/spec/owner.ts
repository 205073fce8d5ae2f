/**
 * Who owns an address, a link or a host port: one attachment of one container to one network.
 */
import { sha256Hex } from '../../sha256.js'

/** An attachment. All three parts count, in full: IDs may share any prefix. */
export interface Owner {
  /** Name of the network, from the configuration. */
  readonly network: string
  /** CNI_CONTAINERID */
  readonly containerId: string
  /** CNI_IFNAME */
  readonly ifname: string
}

/** A key for maps: no part of an owner can hold a slash (spec, "Container ID" and "name"). */
export function ownerKey(owner: Owner): string {
  return `${owner.network}/${owner.containerId}/${owner.ifname}`
}

/** Whether two owners are the same attachment. */
export function sameOwner(a: Owner, b: Owner): boolean {
  return ownerKey(a) === ownerKey(b)
}

/** The longest tag, in bytes: what an nft element's comment holds. */
const MAX_TAG = 127

/**
 * The owner as a tag for nft comments: readable, at most 127 bytes, and different for different
 * owners. Where the whole is too long, a hash of it stands in for its middle.
 */
export function ownerTag(owner: Owner): string {
  const key = ownerKey(owner)
  if (Buffer.byteLength(key) <= MAX_TAG) return key
  const hash = sha256Hex(key).slice(0, 32)
  return `${key.slice(0, 60)}~${hash}/${owner.ifname}`
}

/** The owner that a tag names; undefined when the tag holds only a part of it. */
export function ownerOfTag(tag: string): Owner | undefined {
  const [network, containerId, ifname, ...more] = tag.split('/')
  if (!network || !containerId || !ifname || more.length > 0) return undefined
  // The hash of a shortened tag stands before its last slash, and no identifier has its mark.
  const isWhole = !network.includes('~') && !containerId.includes('~')
  return isWhole ? { network, containerId, ifname } : undefined
}

/** The network of a tag's owner; undefined when the tag holds only a part of its name. */
export function networkOfTag(tag: string): string | undefined {
  const [network = '', container] = tag.split('/')
  return container === undefined || network.includes('~') ? undefined : network
}

/**
 * Whether two tags are of one container's interfaces. Of tags that hold only a part of the container's
 * name it cannot be told.
 */
export function isSameContainer(a: string, b: string): boolean {
  if (a === b) return true
  const container = ownerOfTag(a)?.containerId
  return container !== undefined && container === ownerOfTag(b)?.containerId
}

/** What the names of all host ends of pods' wires begin with. */
export const HOST_LINK_PREFIX = 'azv'

/**
 * Name of the host's end of the owner's veth pair: `azv` and 11 hex digits of a hash over all
 * three parts, so that it is the same for a repeated call and for no other owner.
 */
export function hostLinkName(owner: Owner): string {
  return HOST_LINK_PREFIX + sha256Hex(ownerKey(owner)).slice(0, 11)
}

/** Whether a name is one that `hostLinkName` makes. */
export function isHostLink(name: string): boolean {
  return /^azv[0-9a-f]{11}$/.test(name)
}
