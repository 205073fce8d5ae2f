/** A NIC that somebody else has frames from: named before anything is changed. */
import t from 'tap'
import { addPod, assertSame, delPod, makeHost, runtime } from './support/setup.js'

t.test('a macvlan of the host on the NIC', async (t) => {
  const host = await makeHost(t)
  const make = 'link add link eth0 name mv0 type macvlan mode bridge'
  t.equal((await host.exec('ip', make.split(' '))).code, 0)
  const before = await host.snapshot({ state: false })
  await t.rejects(addPod(runtime(host), 'web'), {
    code: 108,
    msg: /^master: eth0 has the macvlan mv0 on it/,
    details: /by "master"/,
  })
  await assertSame(t, host, before, { state: false })
  t.equal((await host.exec('ip', ['link', 'del', 'mv0'])).code, 0)
  const runner = runtime(host)
  t.match(await addPod(runner, 'web'), /^10\.0\.0\./)
  await delPod(runner, 'web')
})

t.test('a macvlan in a container, which the host does not see', async (t) => {
  const host = await makeHost(t)
  const other = `pod-${host.name}-other`
  await host.addPodNetns('other')
  const make = `link add link eth0 name mv0 netns ${other} type macvlan mode bridge`
  t.equal((await host.exec('ip', make.split(' '))).code, 0)
  const before = await host.snapshot({ state: false })
  await t.rejects(addPod(runtime(host), 'web'), {
    code: 108,
    msg: /^master: eth0 has a macvlan or ipvlan on it/,
  })
  await assertSame(t, host, before, { state: false })
})
