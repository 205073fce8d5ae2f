/**
 * Names in nft, and the table that is the whole node's.
 */
import type { TableRef } from '../nft/index.js'
import { sha256Hex } from '../sha256.js'

/** A name that nft takes, different for different texts: letters, digits, dots, underscores. */
export function nftName(text: string): string {
  // Of fixed width, so that no two texts share a name.
  const escape = (c: string) => `.${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  const safe = text.replace(/[^A-Za-z0-9_]/g, escape)
  // NFT_NAME_MAXLEN (linux/netfilter/nf_tables.h) is 256; names have a word before this.
  return safe.length <= 120 ? safe : `${safe.slice(0, 80)}..${sha256Hex(text)}`
}

/** The node's table for masquerading. */
export const MASQUERADE_TABLE: TableRef = { family: 'ip', name: 'azure_vnet_masquerade' }
