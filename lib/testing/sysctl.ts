/**
 * Files below /proc/sys of the fake kernel.
 */
import { E, refuse, type FakeNamespace } from './model.js'

const PER_LINK: Record<string, string> = {
  forwarding: '0',
  arp_notify: '0',
  arp_ignore: '0',
  arp_announce: '0',
  proxy_arp: '0',
  proxy_ndp: '0',
  rp_filter: '0',
  route_localnet: '0',
  send_redirects: '1',
  accept_redirects: '1',
  accept_ra: '1',
  accept_dad: '1',
  autoconf: '1',
  addr_gen_mode: '0',
  disable_ipv6: '0',
}
const GLOBAL: Record<string, string> = {
  'net/ipv4/ip_forward': '0',
  'net/ipv4/ping_group_range': '1\t0',
  'net/ipv4/ip_unprivileged_port_start': '1024',
  'net/bridge/bridge-nf-call-iptables': '1',
  'net/bridge/bridge-nf-call-ip6tables': '1',
}

function check(ns: FakeNamespace, name: string): string {
  if (name === '' || name.startsWith('/') || name.includes('..')) {
    refuse(E.EINVAL, '', 'open')
  }
  if (ns.sysctls.has(name)) return ns.sysctls.get(name) as string
  const known = GLOBAL[name]
  if (known !== undefined) return known
  const [, link = '', key = ''] =
    /^net\/ipv[46]\/conf\/([^/]+)\/([^/]+)$/.exec(name) ?? []
  const there =
    link === 'all' || link === 'default' || ns.links.some((l) => l.name === link)
  const value = there ? PER_LINK[key] : undefined
  return value ?? refuse(E.ENOENT, '', 'open')
}

/** The file's text. ENOENT (of open) when the model has no such file. */
export function getSysctl(ns: FakeNamespace, name: string): string {
  return check(ns, name)
}

/** Writes the file; ip_forward and conf/all/forwarding are two names of one switch. */
export function setSysctl(ns: FakeNamespace, name: string, value: string): void {
  check(ns, name)
  ns.sysctls.set(name, value.trimEnd())
  const twins = ['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding']
  if (twins.includes(name))
    for (const twin of twins) ns.sysctls.set(twin, value.trimEnd())
}
