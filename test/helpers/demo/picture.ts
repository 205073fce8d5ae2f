import { NetNs } from '../../../dist/esm/index.js'
import { sortedJson, steady, type Json, type Snapshot } from '../snapshot.js'

/** What a bridge's clocks and learning change by themselves. */
const RUNNING = /Timer$|^fdbLearned$/

/** What the library tells, as JSON: counters are big numbers, values bytes. */
function plain(value: object): Json {
  const still = (key: string, one: unknown) => {
    if (RUNNING.test(key)) return undefined
    return typeof one === 'bigint' ? `${one}` : one
  }
  return JSON.parse(JSON.stringify(value, still)) as Json
}

/**
 * A picture of a namespace's network as our own library reads it, so that it needs no program.
 * Neighbours are the permanent ones: the kernel learns and forgets the others by itself.
 */
export async function pictureOf(netns: string): Promise<Snapshot> {
  using namespace = NetNs.open(netns)
  const [links, addresses, routes, rules, neighbours, ruleset] = await Promise.all([
    namespace.link.dump(),
    namespace.address.dump(),
    namespace.route.dump(),
    namespace.rule.dump(),
    namespace.neighbour.dump(),
    namespace.nftables.list(),
  ])
  const permanent = neighbours.filter(({ state }) => state === 'permanent')
  const { generation: _, ...nft } = ruleset
  const tidy = (values: readonly object[]) => sortedJson(values.map(plain).map(steady))
  return {
    links: tidy(links),
    addresses: tidy(addresses),
    routes: tidy(routes),
    rules: tidy(rules),
    neighbours: tidy(permanent),
    nft: Object.entries(nft).map(([kind, all]) => steady(plain({ kind, all }))),
    state: {},
    sysctls: [],
  }
}
