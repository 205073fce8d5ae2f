/**
 * Is this text an IP address? Written here because node:net takes 2 ms to load, which is
 * long in the life of a plug-in.
 */

const byte = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${byte}(\\.${byte}){3}$`)

/** 4 or 6 for an IP address, 0 for anything else. Zones (`fe80::1%eth0`) are refused. */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (ipv4.test(text)) return 4
  // The URL parser is the one IPv6 parser that Node has loaded anyway.
  const isIpv6 = /^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`)
  return isIpv6 ? 6 : 0
}

/** 4 or 6 for an address with prefix length (`10.0.0.5/24`), 0 for anything else. */
export function cidrFamily(text: string): 0 | 4 | 6 {
  const [address = '', prefix = '', ...more] = text.split('/')
  const family = ipFamily(address)
  if (family === 0 || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return 0
  return Number(prefix) <= (family === 4 ? 32 : 128) ? family : 0
}
