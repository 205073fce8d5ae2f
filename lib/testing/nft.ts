/**
 * nftables of the fake kernel: net/netfilter/nf_tables_api.c in small. Rules are kept, not run.
 */
import { ArgumentError } from '../argument-error.js'
import { NLM_F } from '../netlink/base/constants.js'
import {
  E,
  refuse,
  Refusal,
  type FakeNamespace,
  type FakeRuleset,
  type FakeTable,
  type Fields,
} from './model.js'

type Verb = (set: FakeRuleset, args: Fields, flags: number) => void

const tableKey = (family: number, name: string) => `${family} ${name}`

function table(set: FakeRuleset, args: Fields, name = args['table']): FakeTable {
  return set.tables.get(tableKey(args['family'], name)) ?? refuse(E.ENOENT)
}

function chain(set: FakeRuleset, args: Fields, name = args['chain']) {
  return table(set, args).chains.get(name) ?? refuse(E.ENOENT)
}

function setOf(set: FakeRuleset, args: Fields, name = args['set']) {
  return table(set, args).sets.get(name) ?? refuse(E.ENOENT)
}

function elementKey(element: Fields): string {
  // Ends of intervals stand beside a start with the same key (NFT_SET_ELEM_INTERVAL_END).
  const end = (element['flags'] ?? 0) & 1
  return `${Buffer.from(element['key']?.value ?? []).toString('hex')} ${end}`
}

function sameDatum(a: Fields, b: Fields): boolean {
  const hex = (e: Fields) => Buffer.from(e['data']?.value ?? []).toString('hex')
  return (
    hex(a) === hex(b) &&
    JSON.stringify(a['data']?.verdict) === JSON.stringify(b['data']?.verdict)
  )
}

function usedBy(of: FakeTable, name: string, member: 'chain' | 'set'): boolean {
  return [...of.chains.values()].some(({ rules }) =>
    rules.some((rule) => references(rule).some((r) => r[member] === name)),
  )
}

/** Names of chains and sets that a rule's expressions mention. */
function references(rule: Fields): { chain?: string; set?: string }[] {
  return ((rule['expressions'] ?? []) as Fields[]).map(({ data }) => ({
    chain: data?.data?.verdict?.chain,
    set: data?.set,
  }))
}

function addRule(set: FakeRuleset, args: Fields, flags: number): void {
  const of = table(set, args)
  const { rules } = chain(set, args)
  for (const { chain: to, set: name } of references(args)) {
    if (to !== undefined && !of.chains.has(to)) refuse(E.ENOENT)
    if (name !== undefined && !of.sets.has(name)) refuse(E.ENOENT)
  }
  const rule = { ...args, handle: set.nextHandle++ }
  if (args['handle'] !== undefined) {
    const at = rules.findIndex((r) => r['handle'] === args['handle'])
    if (at < 0) refuse(E.ENOENT)
    rules.splice(at, 1, rule)
  } else if (args['position'] !== undefined) {
    const at = rules.findIndex((r) => r['handle'] === args['position'])
    if (at < 0) refuse(E.ENOENT)
    rules.splice(flags & NLM_F.append ? at + 1 : at, 0, rule)
  } else if (flags & NLM_F.append) {
    rules.push(rule)
  } else {
    rules.unshift(rule)
  }
}

function delRule(set: FakeRuleset, args: Fields): void {
  if (args['chain'] === undefined) {
    for (const { rules } of table(set, args).chains.values()) rules.length = 0
    return
  }
  const { rules } = chain(set, args)
  if (args['handle'] === undefined) {
    rules.length = 0
    return
  }
  const at = rules.findIndex((r) => r['handle'] === args['handle'])
  if (at < 0) refuse(E.ENOENT)
  rules.splice(at, 1)
}

function addElements(set: FakeRuleset, args: Fields, flags: number): void {
  const { elements } = setOf(set, args)
  for (const element of args['elements'] ?? []) {
    const known = elements.get(elementKey(element))
    if (known && (flags & NLM_F.excl || !sameDatum(known, element))) refuse(E.EEXIST)
    if (!known) elements.set(elementKey(element), element)
  }
}

function delElements(set: FakeRuleset, args: Fields): void {
  const { elements } = setOf(set, args)
  if (args['elements'] === undefined) return elements.clear()
  for (const element of args['elements']) {
    if (!elements.delete(elementKey(element))) refuse(E.ENOENT)
  }
}

/** Makes what is not there; what is there is left, or refused with NLM_F_EXCL. */
function addNamed<T>(
  map: Map<string, T>,
  key: string,
  flags: number,
  make: () => T,
): void {
  if (map.has(key)) {
    if (flags & NLM_F.excl) refuse(E.EEXIST)
    return
  }
  if (!(flags & NLM_F.create)) refuse(E.ENOENT)
  map.set(key, make())
}

const verbs: Record<string, Verb> = {
  'nft.table.new': (set, args, flags) =>
    addNamed(set.tables, tableKey(args['family'], args['name']), flags, () => ({
      fields: { flags: 0, ...args, handle: set.nextHandle++ },
      chains: new Map(),
      sets: new Map(),
    })),
  'nft.table.del': (set, args) => {
    table(set, args, args['name'])
    set.tables.delete(tableKey(args['family'], args['name']))
  },
  'nft.chain.new': (set, args, flags) =>
    addNamed(table(set, args).chains, args['name'], flags, () => ({
      fields: { ...args, handle: set.nextHandle++ },
      rules: [],
    })),
  'nft.chain.del': (set, args) => {
    const of = table(set, args)
    chain(set, args, args['name'])
    if (usedBy(of, args['name'], 'chain')) refuse(E.EBUSY)
    of.chains.delete(args['name'])
  },
  'nft.set.new': (set, args, flags) =>
    addNamed(table(set, args).sets, args['name'], flags, () => {
      const { id: _, ...fields } = args
      return { fields: { ...fields, handle: set.nextHandle++ }, elements: new Map() }
    }),
  'nft.set.del': (set, args) => {
    const of = table(set, args)
    setOf(set, args, args['name'])
    if (usedBy(of, args['name'], 'set')) refuse(E.EBUSY)
    of.sets.delete(args['name'])
  },
  'nft.rule.new': addRule,
  'nft.rule.del': delRule,
  'nft.elements.new': addElements,
  'nft.elements.del': delElements,
}

function copy(set: FakeRuleset): FakeRuleset {
  return structuredClone(set)
}

/** Commits a transaction, or leaves all as it is: ERESTART when the generation has moved on. */
export function batch(ns: FakeNamespace, args: Fields): void {
  const messages = (args['messages'] ?? []) as Fields[]
  const { generation } = args
  if (generation !== undefined && generation !== ns.ruleset.generation) refuse(E.ERESTART)
  const next = copy(ns.ruleset)
  messages.forEach((message, i) => {
    const verb = verbs[message['op']]
    if (!verb) {
      throw new ArgumentError(
        `messages.${i}: the fake kernel does not know ${message['op']}`,
      )
    }
    try {
      verb(next, message['args'], message['flags'] ?? 0)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const place = `message ${i} (${message['op']})`
      refuse(error.errno, error.extAck ? `${error.extAck}; ${place}` : place)
    }
  })
  if (messages.length === 0) return
  next.generation++
  ns.ruleset = next
  for (const message of messages) {
    const [, object = '', verb] = (message['op'] as string).split('.')
    ns.tell('nft', verb === 'del' ? 'del' : 'new', message['args'], `nft.${object}`)
  }
  ns.tell('nft', 'new', generationOf(ns), 'nft.generation')
}

function generationOf(ns: FakeNamespace): Fields {
  return {
    family: 0,
    id: ns.ruleset.generation,
    pid: process.pid,
    process: 'node',
  }
}

function allOf<T>(
  ns: FakeNamespace,
  args: Fields,
  read: (of: FakeTable) => Iterable<T>,
): T[] {
  const fits = [...ns.ruleset.tables.values()].filter(
    ({ fields }) =>
      (!args['family'] || fields['family'] === args['family']) &&
      (args['table'] === undefined || fields['name'] === args['table']),
  )
  return fits.flatMap((of) => [...read(of)])
}

/** What the reading operations of nftables answer with. */
export const nftReads: Record<string, (ns: FakeNamespace, args: Fields) => unknown> = {
  'nft.generation.get': generationOf,
  'nft.table.get': (ns, args) => table(ns.ruleset, args, args['name']).fields,
  'nft.table.dump': (ns, args) => allOf(ns, args, (of) => [of.fields]),
  'nft.chain.get': (ns, args) => chain(ns.ruleset, args, args['name']).fields,
  'nft.chain.dump': (ns, args) =>
    allOf(ns, args, (of) => [...of.chains.values()].map((c) => c.fields)),
  'nft.rule.dump': (ns, args) =>
    allOf(ns, args, (of) =>
      [...of.chains.values()]
        .filter((c) => args['chain'] === undefined || c.fields['name'] === args['chain'])
        .flatMap((c) => c.rules),
    ),
  'nft.set.get': (ns, args) => setOf(ns.ruleset, args, args['name']).fields,
  'nft.set.dump': (ns, args) =>
    allOf(ns, args, (of) => [...of.sets.values()].map((s) => s.fields)),
  'nft.elements.dump': (ns, args) => {
    const { elements } = setOf(ns.ruleset, args)
    if (elements.size === 0) return []
    const { family, table: name, set } = args
    return [{ family, table: name, set, elements: [...elements.values()] }]
  },
}
