/**
 * Differential: the bytes that verbs send are those of iproute2, attribute by attribute. That the
 * kernel refuses some (it may lack a kind of link) does not matter: strace sees them before.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { NetNs } from 'vnet-cni'
import { ip } from './helper.js'
import type { Case } from './iproute2-bytes/case.js'
import { ip6Cases, ipCases } from './iproute2-bytes/addresses.js'
import { linkCases } from './iproute2-bytes/links.js'
import { parse } from './iproute2-bytes/message.js'
import { sentByPlans, sentByProgram } from './iproute2-bytes/sent.js'
import { bridgeCases } from './iproute2-bytes/stations.js'

const folder = t.testdir()

/** A namespace whose links have known indices. */
function stage(): NetNs {
  const ns = NetNs.create()
  ip(
    ns,
    'link add br0 index 10 up type bridge',
    'link add v0 index 11 up master br0 type veth peer name v1 index 12',
    'link add x0 index 13 up type vxlan id 5 dstport 4789',
    'link set lo up',
    'address add 10.0.0.1/24 dev br0',
    'address add fd00::1/64 dev br0 nodad',
  )
  return ns
}

function folderOf(name: string): string {
  mkdirSync(join(folder, name))
  return join(folder, name)
}

for (const [title, program, cases] of [
  ['ip link', 'ip', linkCases],
  ['ip address, route, neighbour, rule', 'ip', ipCases],
  ['ip -6', 'ip -6', ip6Cases],
  ['bridge', 'bridge', bridgeCases],
] as const satisfies [string, string, readonly Case[]][]) {
  t.test(title, async (t) => {
    using one = stage()
    using other = stage()
    const plans = cases.map(({ make }) => {
      const plan = other.plan()
      make(plan)
      return plan
    })
    const lines = cases.map(({ line }) => line)
    const theirs = sentByProgram(one, folderOf(`${title}, theirs`), program, lines)
    const ours = sentByPlans(other, folderOf(`${title}, ours`), plans)
    cases.forEach(({ line }, i) => {
      t.strictSame(parse(ours[i] as Buffer), parse(theirs[i] as Buffer), line)
    })
  })
}
