/**
 * Cleaning up what a dead ADD left, while ADDs that live come to their end.
 */
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { hostLinkName, ownerKey, type Owner } from '../../dist/esm/cni/spec/owner.js'
import type { PluginCall } from '../../dist/esm/cni/plugin/plugin.js'
import { NetNs } from '../../dist/esm/netlink/index.js'
import { mend, sweepOwn, type Broom } from '../../dist/esm/engine/removal.js'
import { nodeStore, type EndpointRecord } from '../../dist/esm/engine/state.js'
import { ownProcess, type ProcessId } from '../../dist/esm/state/index.js'

const caller: Owner = { network: 'azure', containerId: 'caller', ifname: 'eth0' }
const other: Owner = { ...caller, containerId: 'other' }

/** A process that has ended. */
function deadProcess(): ProcessId {
  const { pid } = spawnSync('true')
  return { pid, start: '1' }
}

function adding(owner: Owner, adder: ProcessId): EndpointRecord {
  return { phase: 'adding', owner, adder }
}

function ready(owner: Owner): EndpointRecord {
  return {
    phase: 'ready',
    owner,
    bridge: 'azure0',
    address: '10.0.0.5/24',
    mac: '0a:58:0a:00:00:05',
  }
}

async function room(t: Test) {
  const host = NetNs.create()
  t.teardown(() => host.close())
  process.env['VNET_CNI_STATE_DIR'] = t.testdir()
  const store = nodeStore((message) => t.fail(message))
  const released: string[] = []
  const log = { warn: () => {}, error: (message: string) => t.fail(message) }
  const broom = {
    call: { owner: caller, log } as unknown as PluginCall,
    host,
    store,
    addresses: {
      acquire: () => Promise.reject(new Error('not asked for')),
      release: (owner) => void released.push(owner.containerId),
    },
  } satisfies Broom
  const put = (record: EndpointRecord) =>
    store.update((state) => {
      state.endpoints[ownerKey(record.owner)] = record
    })
  for (const owner of [caller, other]) {
    await host.link.addVeth({ name: hostLinkName(owner) }, { name: owner.containerId })
  }
  const isThere = async (owner: Owner) =>
    (await host.link.read(hostLinkName(owner), { optional: true })) !== undefined
  return { broom, store, put, released, isThere }
}

t.test('an ADD that ended well since its record was read keeps its pod', async (t) => {
  const { broom, store, put, released, isThere } = await room(t)
  put(adding(other, deadProcess()))
  const before = store.read()
  put(ready(other))
  mend(broom, before)
  t.ok(await isThere(other), 'its wire')
  t.strictSame(released, [], 'its address')
  t.match(store.read().endpoints[ownerKey(other)], { phase: 'ready' }, 'its record')
})

t.test('a new ADD of the owner whose ADD died keeps its pod', async (t) => {
  const { broom, store, put, released, isThere } = await room(t)
  put(adding(other, deadProcess()))
  const before = store.read()
  put(adding(other, ownProcess()))
  mend(broom, before)
  t.ok(await isThere(other))
  t.strictSame(released, [])
  t.match(store.read().endpoints[ownerKey(other)], { phase: 'adding' })
})

t.test('what a dead ADD left goes', async (t) => {
  const { broom, store, put, released, isThere } = await room(t)
  put(adding(other, deadProcess()))
  mend(broom, store.read())
  t.notOk(await isThere(other), 'its wire')
  t.ok(await isThere(caller), 'no other wire')
  t.strictSame(released, ['other'])
  t.strictSame(store.read().endpoints, {})
})

t.test('a dead ADD of another network is that network’s own affair', async (t) => {
  const { broom, store, put, released } = await room(t)
  put(adding({ ...other, network: 'second' }, deadProcess()))
  mend(broom, store.read())
  t.strictSame(released, [])
  t.equal(Object.keys(store.read().endpoints).length, 1)
})

t.test(
  'of its own container an ADD takes away all but what is being added',
  async (t) => {
    const { broom, store, put, released, isThere } = await room(t)
    put(adding(caller, ownProcess()))
    sweepOwn(broom)
    t.ok(await isThere(caller))
    t.strictSame(released, [])
    put(ready(caller))
    sweepOwn(broom)
    t.notOk(await isThere(caller))
    t.strictSame(released, ['caller'])
    t.strictSame(store.read().endpoints, {})
  },
)
