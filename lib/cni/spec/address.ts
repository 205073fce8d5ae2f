/**
 * Addresses in configurations.
 */
import { ipFamily } from '../../ip-family.js'

export { ipFamily }

/** 4 or 6 for an address with prefix length (`10.0.0.5/24`), 0 for anything else. */
export function cidrFamily(text: string): 0 | 4 | 6 {
  const [address = '', prefix = '', ...more] = text.split('/')
  const family = ipFamily(address)
  if (family === 0 || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return 0
  return Number(prefix) <= (family === 4 ? 32 : 128) ? family : 0
}
