/**
 * Giving ports back. Works from the kernel alone: elements name their owners.
 */
import type { NetNs, Plan } from '../../netlink/index.js'
import { Transaction } from '../../nft/index.js'
import { readContents, tagOf, type Contents } from './held.js'
import { ATTEMPTS, forgetFlows, isKernelError, routeLocalnet } from './kernel.js'
import {
  deletePlaced,
  isPort,
  SNAT_PODS,
  TABLE,
  toMapping,
  type Placed,
} from './table.js'

/** Gives all of an owner's ports back; with the last mapping the table goes. Repeats safely. */
export function removePorts(host: NetNs, tag: string): void {
  for (let attempt = 1; ; attempt++) {
    const contents = readContents(host)
    const own = contents.placed.filter((one) => tagOf(one) === tag)
    const isLast = own.length === contents.placed.length
    if (own.length === 0 && !(contents.exists && isLast)) return
    try {
      const plan = host.plan()
      if (takesLastSnat(own, contents)) closeLinks(host, plan, contents.links)
      // The generation: what is deleted here is what was read.
      const tx = new Transaction(contents.generation)
      plan.nftables.commit(isLast ? tx.deleteTable(TABLE) : deletePlaced(tx, own))
      plan.runSync()
      forgetFlows(host, own.filter(isPort).map(toMapping))
      return
    } catch (error) {
      // ENOENT: the table or a link went meanwhile.
      if (attempt >= ATTEMPTS || !isKernelError(error, 'ERESTART', 'ENOENT')) throw error
    }
  }
}

function takesLastSnat(own: readonly Placed[], { placed }: Contents): boolean {
  const count = (list: readonly Placed[]) =>
    list.filter(({ set }) => set === SNAT_PODS).length
  return count(own) > 0 && count(own) === count(placed)
}

/**
 * Plans to switch `route_localnet` back to what a new link gets. It comes before the commit, so
 * that whoever adds a pod with `snat` meanwhile makes the commit fail (and the switch is put back),
 * and whoever comes after it switches it on again.
 */
function closeLinks(host: NetNs, plan: Plan, links: readonly string[]): void {
  const reading = host.plan()
  const usual = reading.sysctl.get(routeLocalnet('default'), { optional: true })
  const now = links.map((link) => ({
    link,
    value: reading.sysctl.get(routeLocalnet(link), { optional: true }),
  }))
  const done = reading.runSync()
  for (const { link, value } of now) {
    // A link that is gone has no switch.
    if (done.of(value) !== '1' || done.of(usual) !== '0') continue
    plan.sysctl.set(routeLocalnet(link), '0', '1')
  }
}
