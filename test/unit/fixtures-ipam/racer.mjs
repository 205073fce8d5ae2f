// Takes `count` addresses, each for an owner of its own, and prints them as JSON.
// Arguments: state folder, name, count, `addon` or `fake`: whose locks are taken.
import { Locks } from '../../../dist/esm/host/lock.js'
import { HostProcess, processHost } from '../../../dist/esm/host/process-host.js'
import { Ipam } from '../../../dist/esm/ipam/ipam.js'
import { ipamStore } from '../../../dist/esm/ipam/state.js'
import { fileLock } from './fake-lock.mjs'
import { interfaceOf, nic } from './hosts.mjs'

const [folder, name, count, lock] = process.argv.slice(2)
const host = processHost(new HostProcess(process.pid), { VNET_CNI_STATE_DIR: folder })
if (lock === 'fake') {
  const locks = new Locks(() => fileLock)
  host.lock = (path, options) => locks.take(path, options)
}
const ipam = new Ipam({
  store: ipamStore(host),
  source: { kind: 'static', fetch: async () => [interfaceOf('10.0.0.0/24', 4, 253)] },
  now: () => host.now(),
})
const got = []
for (let i = 0; i < Number(count); i++) {
  const owner = { network: 'azure', containerId: `${name}-${i}`, ifname: 'eth0' }
  got.push((await ipam.acquire({ owner, nics: [nic] })).address)
}
console.log(JSON.stringify(got))
