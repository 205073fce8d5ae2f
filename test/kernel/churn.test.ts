/* oxlint-disable unicorn/require-post-message-target-origin -- a worker's port has no origin */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import {
  NetlinkError,
  NetNs,
  Transaction,
  type Address,
  type Link,
  type Plan,
  type Route,
  type SetDef,
  type SetElement,
} from 'vnet-cni'
import { act, pathOf } from './helper.js'

const STEADY = 200
const ROUNDS = 60
const map: SetDef = {
  family: 'ip',
  table: 't',
  name: 'm',
  key: ['ipv4_addr'],
  data: ['ether_addr'],
}

/** A namespace with much that stays as it is. */
function room(): NetNs {
  const ns = NetNs.create()
  act(ns, (p) => {
    const base = p.link.add({ kind: 'bridge', name: 'base', up: true })
    p.address.add({ link: base, address: '10.0.0.1/16' })
    for (let i = 0; i < STEADY; i++) {
      p.link.add({ kind: 'bridge', name: `steady${i}` })
      const [high, low] = [i >> 8, i & 255]
      p.address.add({ link: base, address: `10.1.${high}.${low}/32` })
      p.route.add({ to: `10.2.${high}.${low}/32`, via: '10.0.0.2', link: base })
    }
    const elements = Array.from({ length: STEADY }, (_, i) => ({
      key: [`10.3.${i >> 8}.${i & 255}`],
      data: ['02:00:00:00:00:02'],
    }))
    const table = { family: 'ip', name: 't' } as const
    p.nftables.commit(
      new Transaction().addTable(table).addSet(map).addElements(map, elements),
    )
  })
  return ns
}

const unique = (list: readonly string[]) => new Set(list).size === list.length

/** What must hold of every dump, whatever else comes and goes meanwhile. */
function check(
  links: Link[],
  addresses: Address[],
  routes: Route[],
  elements: SetElement[],
) {
  const steady = (list: string[], prefix: string) =>
    list.filter((x) => x.startsWith(prefix))
  const names = links.map((l) => l.name)
  const bases = [
    steady(names, 'steady'),
    steady(
      addresses.map((a) => a.address),
      '10.1.',
    ),
    steady(
      routes.filter((r) => r.table === 'main').map((r) => r.to),
      '10.2.',
    ),
    steady(
      elements.map((e) => String(e.key[0])),
      '10.3.',
    ),
  ]
  const [l, a, r, e] = bases.map(
    (list) => `${list.length} of which ${new Set(list).size}`,
  )
  return {
    links: l,
    addresses: a,
    routes: r,
    elements: e,
    names: unique(names),
    whole: links.every((link) => link.name !== '' && link.mtu > 0 && link.index > 0),
  }
}

const ALL = `${STEADY} of which ${STEADY}`
const SOUND = {
  links: ALL,
  addresses: ALL,
  routes: ALL,
  elements: ALL,
  names: true,
  whole: true,
}

/** One reading of all, dumped again by the caller when the kernel never held still. */
function reading(plan: Plan) {
  const links = plan.link.dump()
  const addresses = plan.address.dump()
  const routes = plan.route.dump({ family: 'ipv4' })
  const elements = plan.nftables.elements(map)
  return async () => {
    const done = await plan.run()
    return check(done.of(links), done.of(addresses), done.of(routes), done.of(elements))
  }
}

t.test('every dump is whole while another thread changes what is dumped', async (t) => {
  using ns = room()
  const url = new URL('churn-worker.mjs', import.meta.url)
  const worker = new Worker(url, {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    workerData: { path: pathOf(ns), width: 20, map },
  })
  t.teardown(() => worker.terminate())
  const [first] = await once(worker, 'message')
  t.equal(first, 'turned')
  let sound = 0
  let restless = 0
  for (let i = 0; i < ROUNDS; i++) {
    try {
      const result = await reading(ns.plan())()
      if (JSON.stringify(result) === JSON.stringify(SOUND)) sound++
      else t.strictSame(result, SOUND, `round ${i}`)
    } catch (error) {
      // Told rather than answered with half a table.
      if (!(error instanceof NetlinkError) || error.code !== 'EINTR') throw error
      restless++
    }
  }
  worker.postMessage('stop')
  const [rounds] = await once(worker, 'message')
  t.comment(`${rounds} changes, ${sound} dumps, ${restless} given up`)
  t.equal(sound + restless, ROUNDS)
  t.ok(sound > 0, 'dumps succeed')
  t.ok(rounds > 1, 'changes were made meanwhile')
})
