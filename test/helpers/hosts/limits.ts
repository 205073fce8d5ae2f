import type { HostLimit } from './host-kind.js'

/** How the log names rules of the host that do not fit pods. */
const NAMED = /^firewall: /

/** A firewall lets nothing through the host. */
export const routedIsDenied: readonly HostLimit[] = (
  ['host ports', 'pod → Internet'] as const
).map((cell) => ({ cell, why: 'the firewall denies what is forwarded', named: NAMED }))

/** A firewall accepts what comes in by the NIC; with pods it comes in by their bridge. */
export const acceptsByLink: readonly HostLimit[] = (
  ['outside → host', 'services', 'pod ↔ host'] as const
).map((cell) => ({ cell, why: 'rules name eth0 and not the bridge', named: NAMED }))
