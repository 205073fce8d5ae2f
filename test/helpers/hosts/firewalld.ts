import type { AzureHost } from '../azure-host.js'
import type { PrivateSpace } from '../private-space.js'
import { until } from '../process.js'
import { startBus } from './bus.js'
import { ECHO } from './crowd.js'
import type { HostKind, PreparedHost } from './host-kind.js'
import { acceptsByLink, routedIsDenied } from './limits.js'
import { setBridgeNetfilter } from './switches.js'

const PORTS = [`${ECHO}/tcp`, `${ECHO}/udp`, '443/tcp']

/** What is forwarded for pods is denied, as all else is; what comes in by their bridge too. */
const limits = [...routedIsDenied, ...acceptsByLink]

async function prepare(
  vm: AzureHost,
  space: PrivateSpace,
  zone: string,
): Promise<PreparedHost> {
  await setBridgeNetfilter(vm, false)
  const open = PORTS.map((port) => `--add-port=${port}`)
  await space.must('firewall-offline-cmd', [`--zone=${zone}`, ...open])
  if (zone !== 'public')
    await space.must('firewall-offline-cmd', [`--zone=${zone}`, '--add-interface=eth0'])
  await startBus(space)
  space.start('firewalld', 'firewalld', ['--nofork', '--nopid'])
  const answers = () => space.run('firewall-cmd', ['--state'])
  await until('firewalld', async () => (await answers()).code === 0)
  const reload = () => space.must('firewall-cmd', ['--reload'])
  return {
    limits,
    services: [{ name: 'web server', protocol: 'tcp', port: 443 }],
    events: [{ name: 'firewall-cmd --reload', run: reload }],
  }
}

const packages = ['python3-dbus', 'python3-gi', 'dbus-daemon', 'nftables']

const unpacked = ['firewalld', 'python3-firewall', 'python3-nftables']

/** firewalld as it is installed, with ports opened in the default zone. */
export const firewalld: HostKind = {
  name: 'firewalld',
  title: 'firewalld, ports open in the default zone',
  packages,
  unpacked,
  options: {},
  prepare: (vm, space) => prepare(vm, space, 'public'),
}

/** The same, where the NIC is in a zone of its own. */
export const firewalldZone: HostKind = {
  name: 'firewalld-zone',
  title: 'firewalld, eth0 in another zone than the default one',
  packages,
  unpacked,
  options: {},
  prepare: (vm, space) => prepare(vm, space, 'internal'),
}
