import type { HostKind } from './host-kind.js'
import { setBridgeNetfilter, setSwitches } from './switches.js'

const SWITCHES = {
  'net.ipv4.ip_forward': 0,
  'net.ipv4.conf.all.rp_filter': 1,
  'net.ipv4.conf.default.rp_filter': 1,
  'net.ipv4.conf.eth0.rp_filter': 1,
  'net.ipv4.conf.all.arp_ignore': 1,
  'net.ipv4.conf.all.arp_announce': 2,
  'net.ipv4.conf.all.accept_redirects': 0,
  'net.ipv4.conf.all.send_redirects': 0,
  'net.ipv4.conf.all.accept_source_route': 0,
  'net.ipv4.conf.all.log_martians': 1,
  'net.ipv6.conf.default.disable_ipv6': 1,
  'net.ipv6.conf.eth0.disable_ipv6': 0,
}

/** What hardening guides have people set. */
export const hardened: HostKind = {
  name: 'hardened',
  title:
    'sysctls of hardening guides: rp_filter 1, ip_forward 0, arp_ignore, no IPv6 but eth0',
  packages: [],
  options: {},
  prepare: async (vm) => {
    await setBridgeNetfilter(vm, false)
    await setSwitches(vm, SWITCHES)
    return {}
  },
}
