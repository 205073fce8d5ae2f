/** Events of rules and of the ruleset hold what a dump of the same reads. */
import t from 'tap'
import {
  counter,
  eq,
  field,
  ifname,
  NetNs,
  Transaction,
  verdict,
  type MonitorEvent,
  type NftEvent,
  type SetDef,
} from 'vnet-cni'

function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  return ns
}

async function until<K extends 'nft' | 'rule'>(
  monitor: AsyncIterable<MonitorEvent<K>>,
  last: (event: MonitorEvent<K>) => boolean,
): Promise<MonitorEvent<K>[]> {
  const seen: MonitorEvent<K>[] = []
  for await (const event of monitor) {
    seen.push(event)
    if (last(event)) break
  }
  return seen
}

t.test('policy rules', async (t) => {
  const ns = namespace()
  const monitor = ns.monitor(['rule'])
  const spec = {
    priority: 100,
    from: '10.0.0.0/8',
    table: 500,
    inLink: 'eth0',
    invert: true,
    sourcePorts: { first: 1, last: 9 },
  }
  ns.sync.rule.add(spec)
  ns.sync.rule.add({ priority: 200, family: 'ipv6', goto: 32766 })
  const dumped = ns.sync.rule
    .dump()
    .filter(({ priority }) => [100, 200].includes(priority))
  for (const rule of dumped) ns.sync.rule.del(rule)
  let gone = 0
  const seen = await until(
    monitor,
    (e) => 'change' in e && e.change === 'del' && ++gone === 2,
  )
  const rules = seen.flatMap((e) => (e.kind === 'rule' ? [[e.change, e.rule]] : []))
  t.equal(dumped.length, 2)
  t.match(dumped[0], spec)
  t.strictSame(
    rules,
    ['new', 'del'].flatMap((change) => dumped.map((rule) => [change, rule])),
  )
})

t.test('all of a ruleset', async (t) => {
  const ns = namespace()
  const monitor = ns.monitor(['nft'])
  const where = { family: 'inet', table: 't' } as const
  const set: SetDef = { ...where, name: 's', key: ['ifname'], interval: true }
  const map: SetDef = { ...where, name: 'm', key: ['mark'], verdicts: true }
  const tx = new Transaction()
    .addTable({ family: 'inet', name: 't', comment: 'all' })
    .addChain({ ...where, name: 'c', hook: 'input', priority: 'filter' })
    .addSet(set)
    .addElements(set, [{ key: ['eth*'] }, { key: ['lo'], comment: 'own' }])
    .addSet(map)
    .addElements(map, [{ key: [5], verdict: 'accept' }])
    .addObject({ ...where, name: 'q', quota: { bytes: 5, over: true } })
    .addRule({
      ...where,
      chain: 'c',
      comment: 'one',
      expressions: [...eq(field.iifname, ifname('eth*')), counter(), verdict('drop')],
    })
  ns.sync.nftables.commit(tx)
  const { tables, chains, sets, rules, objects, generation } = ns.sync.nftables.list()
  const seen = await until(monitor, (e) => e.kind === 'nft' && e.object === 'generation')
  const of = <O extends NftEvent['object']>(object: O) =>
    seen.flatMap((e) => (e.kind === 'nft' && e.object === object ? [e.value] : []))
  // What uses what is told as it was at that moment.
  const still = (value: unknown) => ({ ...(value as object), use: 0 })
  t.strictSame(of('table').map(still), tables.map(still))
  t.strictSame(of('chain').map(still), chains.map(still))
  t.strictSame(of('rule'), rules)
  t.strictSame(
    of('set'),
    sets.map(({ elements: _, ...info }) => info),
  )
  t.strictSame(of('object').map(still), objects.map(still))
  t.match(of('generation'), [{ generation, pid: process.pid }])
  const bytes = sets.flatMap(({ elements }) =>
    elements.map(({ key: _, keyEnd: _end, keyEndBytes: _bytes, ...rest }) => ({
      ...rest,
      key: [],
    })),
  )
  const told = seen.flatMap((e) =>
    e.kind === 'nft' && e.object === 'elements' ? e.value.elements : [],
  )
  const order = (list: readonly { keyBytes: Uint8Array }[]) =>
    list.toSorted((a, b) => Buffer.compare(a.keyBytes, b.keyBytes))
  const isEnd = (e: { rangeEnd?: boolean }) => e.rangeEnd === true
  t.strictSame(order(told.filter((e) => !isEnd(e))), order(bytes))
  t.strictSame(
    told
      .filter(isEnd)
      .map(({ keyBytes }) => Buffer.from(keyBytes).toString('latin1').slice(0, 3)),
    ['eti', 'lo\0'],
  )
  t.match(
    seen.find((e) => e.kind === 'nft' && e.object === 'elements'),
    { value: { family: 'inet', table: 't', name: 's' } },
  )
})
