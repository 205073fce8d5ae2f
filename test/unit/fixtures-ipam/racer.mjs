// Takes `count` addresses, each for an owner of its own, and prints them as JSON.
// Arguments: state file, name, count, `addon` or `fake`.
import { Ipam } from '../../../dist/esm/ipam/ipam.js'
import { ipamStore } from '../../../dist/esm/ipam/state.js'
import { fileLock } from './fake-lock.mjs'
import { interfaceOf, nic } from './hosts.mjs'

const [path, name, count, lock] = process.argv.slice(2)
const lockFile = lock === 'fake' ? fileLock : undefined
const ipam = new Ipam({
  store: ipamStore({ path, lockFile }),
  source: { kind: 'static', fetch: async () => [interfaceOf('10.0.0.0/24', 4, 253)] },
})
const got = []
for (let i = 0; i < Number(count); i++) {
  const owner = { network: 'azure', containerId: `${name}-${i}`, ifname: 'eth0' }
  got.push((await ipam.acquire({ owner, nics: [nic] })).address)
}
console.log(JSON.stringify(got))
