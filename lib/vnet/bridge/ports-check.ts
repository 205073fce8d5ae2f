/**
 * Comparing the sets of a bridge's ports with what is on record of a pod.
 */
import type { Done, Plan } from '../../netlink/index.js'
import type { CheckPlan } from '../mode.js'
import { bridgeTable } from './endpoint-map.js'
import { portElements, portOf, portSets, unguardedSet } from './ports.js'

/** Asks in a plan for the sets of ports; answers with how to get at what is wrong, in words. */
export function planPortCheck(plan: Plan, check: CheckPlan): (done: Done) => string[] {
  const { name: bridge } = check.network
  const port = portOf(check.network, check)
  const table = `table bridge ${bridgeTable(bridge).name}`
  const dumps = portSets(bridge).map((set) => ({
    name: set.name,
    dump: plan.nftables.elements(set),
  }))
  const inSet = (name: string, key: readonly unknown[]) => `${name}: ${key.join(' . ')}`
  const wanted = portElements(bridge, port).flatMap(({ set, elements }) =>
    elements.map(({ key }) => ({ set: set.name, key })),
  )
  return (done) => {
    const found = new Set(
      dumps.flatMap(({ name, dump }) => done.of(dump).map(({ key }) => inSet(name, key))),
    )
    const missing = wanted.filter(({ set, key }) => !found.has(inSet(set, key)))
    const isFree = found.has(inSet(unguardedSet(bridge).name, [port.link]))
    return [
      ...missing.map(({ set, key }) => `set ${set} of ${table} lacks ${key.join(' . ')}`),
      ...(port.guarded && isFree
        ? [`${port.link} is in the set unguarded of ${table}: it has no spoof guard`]
        : []),
    ]
  }
}
