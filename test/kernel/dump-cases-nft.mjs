// The cases of dump-cases.mjs that are objects of nftables.
import { Transaction } from 'vnet-cni'
import { raw } from './dump-raw.mjs'

const count = (n) => Array.from({ length: n }, (_, i) => i)
const table = { family: 'ip', name: 't' }
const set = { family: 'ip', table: 't', name: 's', key: ['ipv4_addr'] }
const batch = (p, make) => {
  const tx = new Transaction()
  make(tx)
  p.nftables.commit(tx)
}
const chain = (name) => ({ family: 'ip', table: 't', name })

export const nft = {
  tables: {
    object: 'nft.table',
    steady: 700,
    prefix: 'steady',
    fill: (p) =>
      batch(p, (tx) =>
        count(700).forEach((i) => tx.addTable({ family: 'ip', name: `steady${i}` })),
      ),
    change: (p, there) =>
      batch(p, (tx) =>
        tx[there ? 'addTable' : 'deleteTable']({ family: 'ip', name: 'churn' }),
      ),
    ...raw('nft.table', { family: 2 }, (e) => e.name),
  },
  chains: {
    object: 'nft.chain',
    steady: 600,
    prefix: 'steady',
    fill: (p) =>
      batch(p, (tx) => {
        tx.addTable({ family: 'ip', name: 'a' }).addTable(table)
        for (const i of count(600)) tx.addChain(chain(`steady${i}`))
      }),
    change: (p, there) =>
      batch(p, (tx) =>
        tx[there ? 'addChain' : 'deleteChain']({ ...chain('churn'), table: 'a' }),
      ),
    ...raw('nft.chain', { family: 2 }, (e) => e.name),
  },
  'nft rules': {
    object: 'nft.rule',
    steady: 600,
    prefix: 'steady',
    fill: (p) =>
      batch(p, (tx) => {
        tx.addTable(table).addChain(chain('a')).addChain(chain('c'))
        const of = { family: 'ip', table: 't', chain: 'c' }
        for (const i of count(600))
          tx.addRule({ ...of, expressions: [], comment: `steady${i}` })
      }),
    change: (p, there) =>
      batch(p, (tx) => {
        const of = { family: 'ip', table: 't', chain: 'a' }
        if (there) tx.addRule({ ...of, expressions: [], comment: 'churn' })
        else tx.flushChain({ family: 'ip', table: 't', name: 'a' })
      }),
    ...raw('nft.rule', { family: 2 }, (e) =>
      Buffer.from(e.userdata ?? [])
        .toString()
        .slice(2),
    ),
  },
  sets: {
    object: 'nft.set',
    steady: 500,
    prefix: 'steady',
    fill: (p) =>
      batch(p, (tx) => {
        tx.addTable({ family: 'ip', name: 'a' }).addTable(table)
        for (const i of count(500)) tx.addSet({ ...set, name: `steady${i}` })
      }),
    change: (p, there) =>
      batch(p, (tx) =>
        tx[there ? 'addSet' : 'deleteSet']({ ...set, table: 'a', name: 'churn' }),
      ),
    ...raw('nft.set', { family: 2 }, (e) => e.name),
  },
  elements: {
    object: 'nft.elements',
    steady: 1500,
    prefix: '10.1.',
    fill: (p) =>
      batch(p, (tx) =>
        tx
          .addTable(table)
          .addSet(set)
          .addElements(
            set,
            count(1500).map((i) => ({ key: [`10.1.${i >> 8}.${i & 255}`] })),
          ),
      ),
    change: (p, there) =>
      batch(p, (tx) => {
        const keys = count(200).map((i) => [`10.2.0.${i}`])
        if (there)
          tx.addElements(
            set,
            keys.map((key) => ({ key })),
          )
        else tx.deleteElements(set, keys)
      }),
    dump: (p) => p.nftables.elements(set),
    names: (entries) => entries.map((e) => e.key[0]),
  },
  'named objects': {
    object: 'nft.object',
    steady: 500,
    prefix: 'steady',
    fill: (p) =>
      batch(p, (tx) => {
        tx.addTable({ family: 'ip', name: 'a' }).addTable(table)
        for (const i of count(500)) {
          tx.addObject({ family: 'ip', table: 't', name: `steady${i}`, counter: {} })
        }
      }),
    change: (p, there) =>
      batch(p, (tx) => {
        const of = { family: 'ip', table: 'a', name: 'churn' }
        if (there) tx.addObject({ ...of, counter: {} })
        else tx.deleteObject({ ...of, type: 'counter' })
      }),
    ...raw('nft.object', { family: 2 }, (e) => e.name),
  },
  flowtables: {
    object: 'nft.flowtable',
    // Not every kernel has them; what comes and goes is their table.
    steady: 0,
    prefix: 'steady',
    fill: () => {},
    change: (p, there) =>
      batch(p, (tx) =>
        tx[there ? 'addTable' : 'deleteTable']({ family: 'ip', name: 'churn' }),
      ),
    ...raw('nft.flowtable', { family: 2 }, (e) => e.name),
  },
  generation: {
    object: 'nft.generation',
    steady: 1,
    prefix: 'id',
    fill: () => {},
    change: (p, there) =>
      batch(p, (tx) =>
        tx[there ? 'addTable' : 'deleteTable']({ family: 'ip', name: 'churn' }),
      ),
    ...raw('nft.generation', {}, () => 'id'),
  },
}
