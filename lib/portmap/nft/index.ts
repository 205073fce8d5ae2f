/**
 * Host ports in nftables. The ruleset itself is the record: each element's comment names its owner,
 * a port is taken by the kernel's own exclusive add, and nothing outlives a reboot. So there is no
 * lock.
 */
import type { PortBackend } from '../backend.js'
import { addPorts } from './add.js'
import { checkPorts } from './check.js'
import { planTable, readPorts } from './held.js'
import { removePorts } from './remove.js'
import { restorePorts } from './restore.js'

/** The back-end `nftables`. */
export const nftPorts: PortBackend = {
  add: async (host, tag, ports) => addPorts(host, tag, ports),
  remove: async (host, tag) => removePorts(host, tag),
  holders: async (host) => [...new Set(readPorts(host).map(({ tag }) => tag))],
  planIsThere: planTable,
  check: async (host, tag, ports) => checkPorts(host, tag, ports),
  restore: async (host, owners) => restorePorts(host, owners),
}
