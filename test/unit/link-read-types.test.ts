/** The types of link.read: what it answers with, and undefined only where it was asked for. */
import t from 'tap'
import type { Done, Link, NetNs, Plan } from 'vnet-cni'
import { FakeKernel } from 'vnet-cni/testing'

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

const yes = <T extends true>(_?: T) => true

t.test('link.read in each form', async (t) => {
  const read = async (host: NetNs, plan: Plan) => {
    const ref = plan.link.read('lo')
    const done: Done = plan.runSync()
    const one = await host.link.read('lo')
    const counted = await host.link.read('lo', { statistics: true })
    const perhaps = await host.link.read('no', { optional: true })
    const sync = host.sync.link.read('lo')
    const syncPerhaps = host.sync.link.read('no', { optional: true })
    const planned = done.of(ref)
    const signalled = await host.link.read('lo', { signal: new AbortController().signal })
    yes<Same<typeof one, Link>>()
    yes<Same<typeof counted, Link>>()
    yes<Same<typeof perhaps, Link | undefined>>()
    yes<Same<typeof sync, Link>>()
    yes<Same<typeof syncPerhaps, Link | undefined>>()
    yes<Same<typeof planned, Link>>()
    yes<Same<typeof signalled, Link>>()
    return [one, counted, perhaps, sync, syncPerhaps, planned, signalled]
  }
  const host = new FakeKernel().netns()
  const names = (await read(host, host.plan())).map((link) => link?.name)
  t.strictSame(names, ['lo', 'lo', undefined, 'lo', undefined, 'lo', 'lo'])
})
