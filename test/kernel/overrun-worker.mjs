// What a process of overrun.test.ts does: watches links, and prints a line for each event: the MTU that
// a link has by it, or `overrun` with the MTU that the link has then.
import { NetNs } from 'vnet-cni'

const ns = NetNs.current()
const monitor = ns.monitor(['link'], { receiveBuffer: 1 << 16, limit: 100_000 })
console.log('ready')
for await (const event of monitor) {
  if (event.kind === 'overrun') console.log('overrun', ns.sync.link.read('br0').mtu)
  else console.log(event.link.name, event.link.mtu)
  if (event.kind === 'link' && event.link.name === 'br1') break
}
