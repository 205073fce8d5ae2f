import t from 'tap'
import { CniError, type PortMapping } from '../helpers/cni-runner.js'
import { ADDRESS } from '../helpers/fabric.js'
import {
  addPod,
  assertClean,
  assertSame,
  delPod,
  makeHost,
  refuses,
  runtime,
  seedList,
  settledPicture,
} from './support/setup.js'
import { fetchTcp, serve } from './support/traffic.js'

// The usual time is for an idle machine.
const HOST = ADDRESS.primary
const STATELESS = { state: false }

const map = (hostPort: number, more: Partial<PortMapping> = {}) => ({
  portMappings: [{ hostPort, containerPort: 80, protocol: 'tcp' as const, ...more }],
})

t.test('a port that another container holds', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot(STATELESS)
  const runner = runtime(host, {}, { delAfterFailedAdd: true })
  await addPod(runner, 'web', map(8080))
  await serve(host, 'web')
  const path = await host.addPodNetns('late')
  const picture = await settledPicture(host, STATELESS)
  const late = runner.add('late', path, 'eth0', map(8080))
  await refuses(test, late, 102, 'azure/web/eth0', 'tcp', '8080', 'Choose another')
  await assertSame(test, host, picture, STATELESS, 'nothing of it is left')
  test.match(
    await fetchTcp(host, 'fabric', `${HOST}:8080`),
    /^web /,
    'the holder keeps it',
  )

  const two = [...map(9090).portMappings, ...map(8080).portMappings]
  const mixed = runner.add('late', path, 'eth0', { portMappings: two })
  await refuses(test, mixed, 102, 'azure/web/eth0', '8080')
  await assertSame(test, host, picture, STATELESS, 'nor of the port that was free')
  test.match(await addPod(runner, 'free', map(9090)), /^10\./, 'it still is')
  await delPod(runner, 'free')
  await delPod(runner, 'web')
  await addPod(runner, 'late', map(8080))
  await serve(host, 'late')
  test.match(await fetchTcp(host, 'fabric', `${HOST}:8080`), /^late /, 'DEL made it free')
  await delPod(runner, 'late')
  await assertClean(test, host, before)
})

t.test('portmap alone leaves nothing when it fails', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host)
  await addPod(runner, 'web', map(8080))
  await addPod(runner, 'late')
  const [vnet, portmap] = runner.conflist.plugins
  const path = host.pods.get('late')!
  const prevResult = {
    cniVersion: '0.3.0',
    interfaces: [{ name: 'eth0', sandbox: path }],
    ips: [{ version: '4', address: '10.0.0.6/24', interface: 0 }],
  }
  test.equal(vnet?.type, 'azure-vnet')
  const picture = await settledPicture(host, { sysctls: true })
  const config = runner.configFor(portmap!, map(8080), prevResult)
  const call = { containerId: 'late', netns: path, ifname: 'eth0' }
  await refuses(
    test,
    runner.invoke('ADD', 'portmap', config, call),
    102,
    'azure/web/eth0',
  )
  await assertSame(test, host, picture, { sysctls: true })
})

const PAIRS = [
  ['0.0.0.0', HOST],
  [HOST, '0.0.0.0'],
  [undefined, HOST],
  ['127.0.0.1', undefined],
] as const

t.test('an address of the host and all of them', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, {}, { delAfterFailedAdd: true })
  for (const [i, [first, second]] of PAIRS.entries()) {
    const port = 8080 + i
    const mapping = (hostIP: string | undefined) => map(port, hostIP ? { hostIP } : {})
    await addPod(runner, `first${i}`, mapping(first))
    await serve(host, `first${i}`)
    const path = await host.addPodNetns(`second${i}`)
    const picture = await settledPicture(host, STATELESS)
    const add = runner.add(`second${i}`, path, 'eth0', mapping(second))
    await refuses(test, add, 102, `azure/first${i}/eth0`, `${port}`)
    await assertSame(
      test,
      host,
      picture,
      STATELESS,
      `${second} is refused after ${first}`,
    )
    const at = `${first === '127.0.0.1' ? first : HOST}:${port}`
    test.match(await fetchTcp(host, 'vm', at), new RegExp(`^first${i} `))
  }
})

t.test('the holder may be in another network', async (test) => {
  const host = await makeHost(test)
  await addPod(runtime(host, { name: 'blue' }), 'web', map(8080))
  const red = runtime(host, { name: 'red' })
  const path = await host.addPodNetns('late')
  await refuses(test, red.add('late', path, 'eth0', map(8080)), 102, 'blue/web/eth0')
})

t.test('ten containers race for one port', async (test) => {
  const host = await makeHost(test, { pods: 16 })
  const before = await host.snapshot(STATELESS)
  const runner = runtime(host, seedList(), { delAfterFailedAdd: true })
  const pods = Array.from({ length: 10 }, (_, i) => `racer${i}`)
  for (const pod of pods) await host.addPodNetns(pod)
  const hostIPs = [undefined, '0.0.0.0', HOST]
  const attempts = await Promise.allSettled(
    pods.map((pod, i) => {
      const hostIP = hostIPs[i % hostIPs.length]
      return addPod(runner, pod, map(8080, hostIP ? { hostIP } : {}))
    }),
  )
  const winners = pods.filter((_, i) => attempts[i]?.status === 'fulfilled')
  test.equal(winners.length, 1, `exactly one wins: ${winners.join(', ')}`)
  for (const attempt of attempts) {
    if (attempt.status === 'fulfilled') continue
    const reason = attempt.reason as CniError
    test.equal(reason.code, 102, reason.message)
    test.match(reason.msg, /azure\/racer\d\/eth0/)
  }
  const [winner] = winners
  if (winner) {
    await serve(host, winner)
    const answer = await fetchTcp(host, 'fabric', `${HOST}:8080`)
    test.match(answer, new RegExp(`^${winner} `), 'and has it')
    await delPod(runner, winner)
  }
  await assertClean(test, host, before)
})
