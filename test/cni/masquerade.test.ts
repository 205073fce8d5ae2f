import t from 'tap'
import { ADDRESS } from '../helpers/fabric.js'
import { addPod, assertClean, delPod, makeHost, runtime } from './support/setup.js'
import {
  allSee,
  listeningHost,
  MASQUERADE_TABLE as TABLE,
  seenBy,
} from './support/internet.js'
import {
  bridgeNetfilter,
  fetchTcp,
  fetchUdp,
  hasTable,
  serve,
} from './support/traffic.js'

// The usual time is for an idle machine.
const HOST = ADDRESS.primary
const EXCEPT = { vnet: { masquerade: { except: ['10.0.0.0/16', '10.1.0.0/16'] } } }

t.test('off unless asked for', async (test) => {
  const host = await listeningHost(test)
  for (const [i, masquerade] of [undefined, false].entries()) {
    const runner = runtime(host, { vnet: { masquerade } })
    const address = await addPod(runner, `pod${i}`)
    test.strictSame(await seenBy(host, `pod${i}`), allSee(address, address))
  }
  test.notOk(await hasTable(host, 'ip', TABLE))
})

for (const netfilter of [false, true]) {
  t.test(`on, bridge-nf-call-iptables=${Number(netfilter)}`, async (test) => {
    const host = await listeningHost(test)
    await bridgeNetfilter(host, netfilter)
    const before = await host.snapshot({ state: false })
    const runner = runtime(host, EXCEPT)
    const a = await addPod(runner, 'a', {
      portMappings: [{ hostPort: 8080, containerPort: 80 }],
    })
    const b = await addPod(runner, 'b')
    test.strictSame(await seenBy(host, 'a'), allSee(a, HOST))
    test.strictSame(await seenBy(host, 'b'), allSee(b, HOST))
    const udp = await fetchUdp(host, 'b', `${ADDRESS.internet}:8000`)
    test.equal(udp, `fabric ${HOST}`, 'UDP too')

    await serve(host, 'a')
    const port = `${HOST}:8080`
    test.equal(
      await fetchTcp(host, 'secondVm', port),
      `a ${ADDRESS.secondVm}`,
      'host port',
    )
    test.match(await fetchTcp(host, 'vm', port), /^a /)
    test.match(await fetchTcp(host, 'vm', '127.0.0.1:8080'), /^a /)
    test.match(await fetchTcp(host, 'b', port), /^a /)
    test.match(await fetchTcp(host, 'a', port), /^a /, 'hairpin')
    test.equal(await fetchTcp(host, 'b', `${a}:80`), `a ${b}`, 'pod to pod')
    test.equal(await host.fabricDrops('mac'), 0)
    test.equal(await host.fabricDrops('address'), 0)

    await delPod(runner, 'a')
    test.ok(await hasTable(host, 'ip', TABLE), 'stays for the other pod')
    test.equal((await seenBy(host, 'b'))['internet'], HOST)
    await delPod(runner, 'b')
    await assertClean(test, host, before)
  })
}

t.test('true excepts the VNet of the pool', async (test) => {
  const host = await listeningHost(test)
  const address = await addPod(runtime(host, { vnet: { masquerade: true } }), 'pod')
  const seen = await seenBy(host, 'pod')
  test.equal(seen['internet'], HOST)
  test.equal(seen['secondVm'], address)
  test.equal(seen['gateway'], address)
  test.equal(seen['platform'], address)
})

for (const netfilter of [false, true]) {
  const name = `what comes from the Internet, bridge-nf-call-iptables=${Number(netfilter)}`
  t.test(name, async (test) => {
    const host = await listeningHost(test)
    await bridgeNetfilter(host, netfilter)
    const runner = runtime(host, EXCEPT)
    const portMappings = [{ hostPort: 8080, containerPort: 80 }]
    const address = await addPod(runner, 'pod', { portMappings })
    await serve(host, 'pod')
    const from = ['-s', '-m', '2', '--interface', ADDRESS.internet]
    const viaPort = await host.execFabric('curl', [...from, `http://${HOST}:8080/`])
    test.equal(viaPort.stdout, `pod ${ADDRESS.internet}`, 'by the host port')
    const direct = await host.execFabric('curl', [...from, `http://${address}/`])
    test.equal(direct.stdout, `pod ${ADDRESS.internet}`, 'to the pod, as a load balancer')
  })
}

t.test('one set of rules whatever the number of pods', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, EXCEPT)
  // Rules alone: elements grow with pods.
  const rules = async () =>
    (await host.exec('nft', ['-t', '-s', 'list', 'ruleset'])).stdout
  await addPod(runner, 'pod0')
  const one = await rules()
  test.match(one, 'masquerade')
  for (let i = 1; i < 5; i += 1) await addPod(runner, `pod${i}`)
  test.equal(await rules(), one)
  for (let i = 0; i < 4; i += 1) await delPod(runner, `pod${i}`)
  test.equal(await rules(), one)
  await delPod(runner, 'pod4')
  test.notOk(await hasTable(host, 'ip', TABLE), 'gone after the last DEL')
})

t.test('changing the option between two ADDs', async (test) => {
  const host = await listeningHost(test)
  await bridgeNetfilter(host, true)
  const before = await host.snapshot({ state: false })
  const off = runtime(host)
  const on = runtime(host, EXCEPT)
  const internet = async (pod: string) => (await seenBy(host, pod))['internet']
  const a = await addPod(off, 'a')
  test.equal(await internet('a'), a)
  const b = await addPod(on, 'b')
  test.equal(await internet('b'), HOST, 'on for the new pod')
  test.equal((await seenBy(host, 'b'))['peeredVm'], b)
  const narrow = runtime(host, { vnet: { masquerade: { except: ['10.0.0.0/24'] } } })
  await addPod(narrow, 'n')
  test.equal((await seenBy(host, 'n'))['peeredVm'], HOST, 'the new list is in force')
  const c = await addPod(off, 'c')
  test.equal(await internet('c'), c, 'off again')
  test.equal(await internet('b'), b, 'for the whole node')
  test.notOk(await hasTable(host, 'ip', TABLE))
  for (const [runner, pods] of [[off, 'ac'] as const, [on, 'bn'] as const])
    for (const pod of pods) await delPod(runner, pod)
  await assertClean(test, host, before)
})
