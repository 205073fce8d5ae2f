import { join } from 'node:path'
import { SourceError } from '../../../dist/esm/ipam/errors.js'
import { Ipam } from '../../../dist/esm/ipam/ipam.js'
import { ipamStore } from '../../../dist/esm/ipam/state.js'
import type { InterfaceInfo, Owner, Source } from '../../../dist/esm/ipam/types.js'
import { countingLock } from './fake-lock.mjs'
import { interfaceOf, nic, nic2 } from './hosts.mjs'

export const nics = [nic, nic2]
export const down = new SourceError('unreachable', 'fake', 'fake is down', 'wake it')

export function pod(containerId: string, more: Partial<Owner> = {}): Owner {
  return { network: 'azure', containerId, ifname: 'eth0', ...more }
}

/** One NIC with two addresses for pods. */
export function small(): InterfaceInfo[] {
  return [interfaceOf('10.0.0.0/24', 4, 6)]
}

/** An Ipam over a store in `dir`, with a clock to set and a lock that counts. */
export function setUp(dir: string, source: Source) {
  const clock = { ms: 1_700_000_000_000 }
  const logged: { level: string; message: string; fields: Record<string, unknown> }[] = []
  const { counts, lockFile } = countingLock()
  const store = ipamStore({ path: join(dir, 'ipam.json'), lockFile })
  const ipam = new Ipam({
    store,
    source,
    now: () => clock.ms,
    log: (level, message, fields) => logged.push({ level, message, fields }),
  })
  return { ipam, store, clock, logged, counts }
}
