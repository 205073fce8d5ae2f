import { SourceError } from '../../../dist/esm/ipam/errors.js'
import { Ipam } from '../../../dist/esm/ipam/ipam.js'
import { ipamStore } from '../../../dist/esm/ipam/state.js'
import type { InterfaceInfo, Owner, Source } from '../../../dist/esm/ipam/types.js'
import { Locks } from '../../../dist/esm/host/lock.js'
import { countingLock } from '../../helpers/fake-lock.js'
import { interfaceOf, nic, nic2 } from './hosts.mjs'

export const nics = [nic, nic2]
export const down = new SourceError('unreachable', 'fake', 'fake is down', 'wake it')

export function pod(containerId: string, more: Partial<Owner> = {}): Owner {
  return { network: 'azure', containerId, ifname: 'eth0', ...more }
}

/** Number of the boot that stores of `setUp` are used in. */
export const BOOT = 'boot-1'

/** One NIC with two addresses for pods. */
export function small(): InterfaceInfo[] {
  return [interfaceOf('10.0.0.0/24', 4, 6)]
}

/** An Ipam over a store in `dir`, with a clock to set and a lock that counts. */
export function setUp(dir: string, source: Source) {
  const clock = { ms: 1_700_000_000_000 }
  const logged: { level: string; message: string; fields: Record<string, unknown> }[] = []
  const { counts, lockFile } = countingLock()
  const locks = new Locks(() => lockFile)
  const host: Parameters<typeof ipamStore>[0] = {
    stateDir: dir,
    bootId: () => BOOT,
    self: { pid: process.pid, start: '', call: 1 },
    lock: (path, options) => locks.take(path, options),
  }
  const warnings: string[] = []
  const store = ipamStore(host, { warn: (message) => warnings.push(message) })
  const ipam = new Ipam({
    store,
    source,
    now: () => clock.ms,
    log: (level, message, fields) => logged.push({ level, message, fields }),
  })
  return { ipam, store, clock, logged, warnings, counts }
}
