/**
 * Cleaning up what a dead ADD left, while ADDs that live come to their end.
 */
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { hostLinkName, ownerKey, type Owner } from '../../dist/esm/cni/spec/owner.js'
import type { Engine } from '../../dist/esm/engine/engine.js'
import type { AttachmentRecord } from '../../dist/esm/engine/records.js'
import { nodeStore } from '../../dist/esm/engine/state.js'
import { sweepAbandoned, sweepOwn } from '../../dist/esm/engine/sweep.js'
import { HostProcess, processHost } from '../../dist/esm/host/process-host.js'
import type { CallId } from '../../dist/esm/host/process-id.js'
import { NetNs } from '../../dist/esm/netlink/index.js'

const caller: Owner = { network: 'azure', containerId: 'caller', ifname: 'eth0' }
const other: Owner = { ...caller, containerId: 'other' }

/** A call of a process that has ended. */
function deadProcess(): CallId {
  const { pid } = spawnSync('true')
  return { pid, start: '1', call: 1 }
}

function adding(owner: Owner, adder: CallId): AttachmentRecord {
  return { phase: 'adding', owner, adder }
}

function ready(owner: Owner): AttachmentRecord {
  return {
    phase: 'ready',
    owner,
    mode: 'bridge',
    network: 'azure0',
    addresses: [{ address: '10.0.0.5/24', mac: '0a:58:0a:00:00:05' }],
    links: { host: hostLinkName(owner) },
  }
}

async function room(t: Test) {
  const kernel = NetNs.create()
  t.teardown(() => kernel.close())
  const folder = t.testdir()
  const shared = new HostProcess(process.pid)
  const call = () => {
    const host = processHost(shared, { VNET_CNI_STATE_DIR: folder })
    t.teardown(() => host[Symbol.dispose]())
    return host
  }
  const host = call()
  const quiet = () => {}
  const failing = (message: string) => void t.fail(message)
  const log = { debug: quiet, info: quiet, warn: quiet, error: failing }
  const store = nodeStore(host, failing)
  const engine: Engine = { host, kernel, log, store }
  const released: string[] = []
  const sweeper = {
    owner: caller,
    leases: { release: async (owner: Owner) => void released.push(owner.containerId) },
  }
  const put = (record: AttachmentRecord) =>
    store.update((state) => {
      state.attachments[ownerKey(record.owner)] = record
    })
  for (const owner of [caller, other]) {
    await kernel.link.addVeth({ name: hostLinkName(owner) }, { name: owner.containerId })
  }
  const isThere = async (owner: Owner) =>
    (await kernel.link.read(hostLinkName(owner), { optional: true })) !== undefined
  return { engine, sweeper, host, call, store, put, released, isThere }
}

t.test('an ADD that ended well since its record was read keeps its pod', async (t) => {
  const { engine, sweeper, store, put, released, isThere } = await room(t)
  await put(adding(other, deadProcess()))
  const before = store.read()
  await put(ready(other))
  await sweepAbandoned(engine, sweeper, before)
  t.ok(await isThere(other), 'its wire')
  t.strictSame(released, [], 'its address')
  t.match(store.read().attachments[ownerKey(other)], { phase: 'ready' }, 'its record')
})

t.test('a new ADD of the owner whose ADD died keeps its pod', async (t) => {
  const { engine, sweeper, store, put, released, isThere } = await room(t)
  await put(adding(other, deadProcess()))
  const before = store.read()
  await put(adding(other, engine.host.self))
  await sweepAbandoned(engine, sweeper, before)
  t.ok(await isThere(other))
  t.strictSame(released, [])
  t.match(store.read().attachments[ownerKey(other)], { phase: 'adding' })
})

t.test('what a dead ADD left goes', async (t) => {
  const { engine, sweeper, store, put, released, isThere } = await room(t)
  await put(adding(other, deadProcess()))
  await sweepAbandoned(engine, sweeper, store.read())
  t.notOk(await isThere(other), 'its wire')
  t.ok(await isThere(caller), 'no other wire')
  t.strictSame(released, ['other'])
  t.strictSame(store.read().attachments, {})
})

t.test('a dead ADD of another network is that network’s own affair', async (t) => {
  const { engine, sweeper, store, put, released } = await room(t)
  await put(adding({ ...other, network: 'second' }, deadProcess()))
  await sweepAbandoned(engine, sweeper, store.read())
  t.strictSame(released, [])
  t.equal(Object.keys(store.read().attachments).length, 1)
})

t.test(
  'of its own container an ADD takes away all but what is being added',
  async (t) => {
    const { engine, sweeper, store, put, released, isThere } = await room(t)
    await put(adding(caller, engine.host.self))
    await sweepOwn(engine, sweeper)
    t.ok(await isThere(caller))
    t.strictSame(released, [])
    await put(ready(caller))
    await sweepOwn(engine, sweeper)
    t.notOk(await isThere(caller))
    t.strictSame(released, ['caller'])
    t.strictSame(store.read().attachments, {})
  },
)

t.test('calls of one process are told apart', async (t) => {
  const { engine, sweeper, call, store, put, released, isThere } = await room(t)
  const second = call()
  await put(adding(other, second.self))
  await sweepAbandoned(engine, sweeper, store.read())
  t.ok(await isThere(other), 'one that runs keeps what it has')
  t.strictSame(released, [])
  second[Symbol.dispose]()
  await sweepAbandoned(engine, sweeper, store.read())
  t.notOk(await isThere(other), 'what was given up goes')
  t.strictSame(released, ['other'])
  t.strictSame(store.read().attachments, {})
})
