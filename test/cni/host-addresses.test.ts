import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { CniError } from '../helpers/cni-runner.js'
import { ADDRESS } from '../helpers/fabric.js'
import { must, until } from '../helpers/process.js'
import { killCall } from './support/doomed.js'
import {
  addPod,
  assertOver,
  delPod,
  GO_PLUGINS,
  LIFETIMES,
  logLines,
  makeHost,
  OUR_PLUGINS,
  runtime,
} from './support/setup.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const ip = (host: AzureHost, line: string) =>
  must('ip', ['-n', host.names.vm, ...line.split(' ')])

/** A VM as cloud-init leaves it: secondary ip-configs are on eth0 too. */
async function cloudInitHost(t: Test, { pods = 4, held = 99 } = {}) {
  const host = await makeHost(t, { pods })
  for (const address of host.nic.secondaries.slice(0, held)) {
    await ip(host, `addr add ${address}/24 dev eth0`)
  }
  return host
}

async function addressesOf(host: AzureHost, link: string): Promise<string[]> {
  const { stdout } = await host.exec('ip', ['-4', '-br', 'addr', 'show', link])
  return stdout.trim().split(/\s+/).slice(2)
}

const TAKE = { ipam: { hostAddresses: 'take' }, portmap: false } as const

async function failure(adding: Promise<unknown>): Promise<CniError> {
  return adding.then(
    () => Promise.reject(new Error('it was attached')),
    (error: CniError) => error,
  )
}

t.test('what eth0 holds is passed over, however much it is', async (t) => {
  const host = await cloudInitHost(t, { pods: 20, held: 18 })
  const runner = runtime(host, { portmap: false })
  t.equal(await addPod(runner, 'a'), '10.0.0.23')
  t.equal(await addPod(runner, 'b'), '10.0.0.24')
  t.ok(await host.ping('fabric', '10.0.0.24'))
  t.ok(await host.ping('fabric', '10.0.0.5'), 'the host keeps its own')
})

t.test(
  'all of them: the error names them and the cure, and nothing is made',
  async (t) => {
    const host = await cloudInitHost(t)
    const before = await host.snapshot({ state: false })
    const error = await failure(addPod(runtime(host, { portmap: false }), 'a'))
    t.match(error, { code: 100, msg: /10\.0\.0\.5 \(host address on eth0\)/ })
    t.match(error.msg, /apply_network_config_for_secondary_ips: false/)
    t.match(error.msg, /"hostAddresses": "take"/)
    t.strictSame(await host.changesSince(before, { state: false }), [])
  },
)

for (const lifetime of LIFETIMES) {
  t.test(`take, bridgeLifetime ${lifetime}: pods have them, then the host`, async (t) => {
    const host = await cloudInitHost(t)
    const before = await host.snapshot({ state: false })
    const runner = runtime(host, { ...TAKE, lifetime })
    const first = await addPod(runner, 'a')
    t.equal(first, '10.0.0.5')
    t.strictSame((await addressesOf(host, 'azure0')).sort(), [
      '10.0.0.4/24',
      '10.0.0.6/24',
      '10.0.0.7/24',
      '10.0.0.8/24',
    ])
    const second = await addPod(runner, 'b')
    t.equal(second, '10.0.0.6')
    for (const address of [first, second, ADDRESS.primary, '10.0.0.7']) {
      t.ok(await host.ping('fabric', address), `${address} answers`)
    }
    t.ok(await host.ping('host', first))
    t.ok(await host.ping('a', second))
    t.ok(await host.ping('a', ADDRESS.primary))
    await delPod(runner, 'a')
    await delPod(runner, 'b')
    await assertOver(t, host, before, lifetime)
  })
}

t.test('the host keeps what it uses: sockets, sources of routes', async (t) => {
  const host = await cloudInitHost(t)
  const listen =
    "require('net').createServer().listen(8080, '10.0.0.5');" +
    "require('dgram').createSocket('udp4').bind(53, '10.0.0.6')"
  host.start('host', process.execPath, ['-e', listen])
  const sockets = async () => (await host.exec('ss', ['-Hltun'])).stdout
  await until('the sockets', async () => {
    const found = await sockets()
    return found.includes('10.0.0.5:8080') && found.includes('10.0.0.6:53')
  })
  await ip(host, 'route add 10.99.0.0/16 via 10.0.0.1 src 10.0.0.7')
  const runner = runtime(host, TAKE)
  t.equal(await addPod(runner, 'a'), '10.0.0.8')
  const error = await failure(addPod(runner, 'b'))
  t.match(
    error.msg,
    /10\.0\.0\.5 \(host address on azure0: a socket listens on it, tcp port 8080\)/,
  )
  t.match(
    error.msg,
    /10\.0\.0\.6 \(host address on azure0: a socket listens on it, udp port 53\)/,
  )
  t.match(
    error.msg,
    /10\.0\.0\.7 \(host address on azure0: a route has it as its source\)/,
  )
})

t.test('netplan puts secondary addresses before that of DHCP', async (t) => {
  const host = await makeHost(t, { pods: 2 })
  await ip(host, 'addr del 10.0.0.4/24 dev eth0')
  for (const one of ['10.0.0.5', '10.0.0.6', '10.0.0.4']) {
    await ip(host, `addr add ${one}/24 dev eth0`)
  }
  await ip(host, 'route add default via 10.0.0.1 src 10.0.0.4 proto dhcp metric 100')
  const before = await host.snapshot({ state: false })
  const runner = runtime(host, TAKE)
  t.equal(await addPod(runner, 'a'), '10.0.0.5', 'which the kernel has as the first one')
  t.ok(await host.ping('fabric', '10.0.0.4'))
  t.ok(await host.ping('fabric', '10.0.0.5'))
  t.equal(await addPod(runner, 'b'), '10.0.0.6')
  t.ok(await host.ping('fabric', '10.0.0.4'), 'the host has its own')
  t.match((await host.exec('ip', ['route'])).stdout, /default via 10.0.0.1 dev azure0/)
  await delPod(runner, 'a')
  await delPod(runner, 'b')
  await assertOver(t, host, before, 'pods')
})

t.test('an address that somebody puts on the NIC again goes from it again', async (t) => {
  const host = await cloudInitHost(t, { pods: 2 })
  const runner = runtime(host, { ...TAKE, lifetime: 'node' })
  await addPod(runner, 'a')
  await delPod(runner, 'a')
  await ip(host, 'addr add 10.0.0.5/24 dev eth0')
  // The freed one rests.
  t.equal(await addPod(runner, 'b'), '10.0.0.6')
  t.equal(await addPod(runner, 'c'), '10.0.0.5')
  t.ok(await host.ping('fabric', '10.0.0.5'))
  t.strictSame(await addressesOf(host, 'eth0'), [])
})

t.test(
  'another IPAM plug-in: what the host holds goes back, until one is free',
  async (t) => {
    const host = await cloudInitHost(t, { pods: 20, held: 20 })
    const before = await host.snapshot({ state: false })
    const range = (end: number) => ({
      type: 'host-local',
      dataDir: `${host.folder}/host-local`,
      hostAddresses: 'take',
      ranges: [
        [{ subnet: '10.0.0.0/24', rangeStart: '10.0.0.4', rangeEnd: `10.0.0.${end}` }],
      ],
    })
    const narrow = runtime(
      host,
      { vnet: { ipam: range(24) }, portmap: false },
      { cniPath: [OUR_PLUGINS, GO_PLUGINS] },
    )
    const error = await failure(addPod(narrow, 'a'))
    t.match(error, { code: 106, msg: /10\.0\.0\.4 \(host address on eth0\)/ })
    t.strictSame(await host.changesSince(before, { state: false }), [])
    const wide = runtime(
      host,
      { vnet: { ipam: range(25) }, portmap: false },
      { cniPath: [OUR_PLUGINS, GO_PLUGINS] },
    )
    t.equal(await addPod(wide, 'b'), '10.0.0.25')
    const warned = logLines(host, 'azure-vnet').map(({ msg }) => String(msg))
    t.ok(warned.some((msg) => /hostAddresses has no effect/.test(msg)))
    t.ok(warned.some((msg) => /host-local in use here are not given/.test(msg)))
  },
)

for (const first of [1, 3]) {
  t.test(`killed before its steps ${first}, ${first + 4}, …`, async (t) => {
    const host = await cloudInitHost(t, { pods: 2 })
    const before = await host.snapshot({ state: false })
    const runner = runtime(host, {
      ...TAKE,
      ipam: { hostAddresses: 'take', queryInterval: 3600 },
    })
    let nth = first
    for (; nth < 150; nth += 4) {
      const pod = `step${nth}`
      const netns = await host.addPodNetns(pod)
      const moment = { syscalls: 'sendto,sendmsg,rename,unlink', nth }
      const killed = await killCall(runner, 'ADD', { containerId: pod, netns }, moment)
      await delPod(runner, pod)
      await assertOver(t, host, before, 'pods')
      await host.removePodNetns(pod)
      if (!killed || !t.passing()) break
    }
    t.ok(nth > 12 && nth < 150, `it was killed until step ${nth}`)
  })
}
