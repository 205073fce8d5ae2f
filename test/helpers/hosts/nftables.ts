import type { AzureHost } from '../azure-host.js'
import type { PrivateSpace } from '../private-space.js'
import { ECHO } from './crowd.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { acceptsByLink } from './limits.js'
import { setBridgeNetfilter } from './switches.js'

const FILE = '/etc/nftables.conf'
const SERVICE = { name: 'web server', protocol: 'tcp', port: 443 } as const

/** What /etc/nftables.conf has on many servers; Debian's begins with a flush, too. */
function ruleset(from: string): string {
  return `flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto icmp accept
    ${from} tcp dport { ${ECHO}, ${SERVICE.port} } accept
    ${from} udp dport ${ECHO} accept
  }
  chain forward { type filter hook forward priority filter; }
  chain output { type filter hook output priority filter; }
}
`
}

async function prepare(
  vm: AzureHost,
  space: PrivateSpace,
  from: string,
): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  await space.write(FILE, ruleset(from))
  const load = () => space.must('nft', ['-f', FILE])
  await load()
  const events = [{ name: 'restart of nftables.service (flush ruleset)', run: load }]
  return { services: [SERVICE], events, limits: from === '' ? [] : acceptsByLink }
}

const packages = ['nftables']

/** nftables.service with a ruleset: INPUT drops what is not accepted. */
export const nftables: HostKind = {
  name: 'nftables',
  title: 'nftables.service: input drops, accepts by port',
  packages,
  options: {},
  prepare: (vm, space) => prepare(vm, space, ''),
}

/** The same, where rules name the NIC. */
export const nftablesByLink: HostKind = {
  name: 'nftables-by-link',
  title: 'the same with accepts by iifname "eth0"',
  packages,
  options: {},
  prepare: (vm, space) => prepare(vm, space, 'iifname "eth0"'),
}
