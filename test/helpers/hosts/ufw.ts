import type { AzureHost } from '../azure-host.js'
import type { PrivateSpace } from '../private-space.js'
import { ECHO } from './crowd.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { acceptsByLink, routedIsDenied } from './limits.js'
import { setBridgeNetfilter } from './switches.js'

// What the package's own script does when it is installed.
const SET_UP = `
  cp /usr/share/ufw/iptables/*.rules /usr/share/ufw/*.init /usr/share/ufw/ufw.conf /etc/ufw/
  chmod 640 /etc/ufw/*.rules
  for rule; do ufw allow $rule; done
  ufw --force enable`

/** What is forwarded for pods is denied, as all else is; what comes in by their bridge too. */
const limits = [...routedIsDenied, ...acceptsByLink]

async function prepare(
  vm: AzureHost,
  space: PrivateSpace,
  on: string,
): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  const rules = [`${on} to any port ${ECHO}`, `${on} to any port 443 proto tcp`]
  await space.must('sh', ['-ec', SET_UP, 'sh', ...rules])
  return {
    limits,
    services: [{ name: 'web server', protocol: 'tcp', port: 443 }],
    events: [{ name: 'ufw reload', run: () => space.must('ufw', ['reload']) }],
  }
}

const unpacked = ['ufw']

/** ufw as people switch it on. */
export const ufw: HostKind = {
  name: 'ufw',
  title: 'ufw: incoming and routed denied, ports allowed',
  packages: ['iptables', 'python3'],
  unpacked,
  options: {},
  prepare: (vm, space) => prepare(vm, space, 'in'),
}

/** The same with rules for the NIC. */
export const ufwByLink: HostKind = {
  name: 'ufw-by-link',
  title: 'the same with ports allowed "in on eth0"',
  packages: ['iptables', 'python3'],
  unpacked,
  options: {},
  prepare: (vm, space) => prepare(vm, space, 'in on eth0'),
}
