/**
 * Is this text an IP address? Written here because node:net takes 3 to 9 ms to load, which is
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
