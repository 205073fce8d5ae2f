/** Host ports beside programs of the host, of several networks, and with answers in parts. */
import t from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS } from '../helpers/fabric.js'
import { must, until } from '../helpers/process.js'
import {
  addPod,
  addressOf,
  assertClean,
  delPod,
  logLines,
  makeHost,
  runtime,
  SEED_CONFLIST,
  vnetCni,
} from './support/setup.js'
import { bridgeNetfilter, fetchTcp, fetchUdp, serve } from './support/traffic.js'

// The usual time is for an idle machine.
t.setTimeout(300_000)

const HOST = ADDRESS.primary
const both = (hostPort: number, containerPort = 80) => ({
  portMappings: (['tcp', 'udp'] as const).map((protocol) => ({
    hostPort,
    containerPort,
    protocol,
  })),
})

/** Starts a program of the host that waits at ports, given as `tcp 127.0.0.53:53`. */
async function listen(host: AzureHost, ...at: string[]): Promise<void> {
  const code = `
    const { createServer } = require('node:http'), { createSocket } = require('node:dgram')
    for (const one of ${JSON.stringify(at)}) {
      const [, protocol, address, port] = /^(tcp|udp) (.*):(\\d+)$/.exec(one)
      if (protocol === 'tcp') {
        createServer((_, answer) => answer.end('the host')).listen(Number(port), address)
        continue
      }
      const socket = createSocket('udp4')
      socket.on('message', (_, from) => socket.send('the host', from.port, from.address))
      socket.bind(Number(port), address)
    }`
  host.start('host', 'env', ['-u', 'NODE_OPTIONS', process.execPath, '-e', code])
  await until('the program of the host', async () => {
    const { stdout } = await host.exec('ss', ['-Hltun'])
    return at.every((one) => stdout.includes(` ${one.split(' ')[1]} `))
  })
}

t.test(
  'a program that is bound to an address of 127.0.0.0/8 keeps its port',
  async (t) => {
    const host = await makeHost(t)
    const before = await host.snapshot({ state: false })
    // As systemd-resolved does, and a forwarder beside it.
    await listen(host, 'tcp 127.0.0.53:53', 'udp 127.0.0.53:53', 'udp 127.0.0.1:53')
    const runner = runtime(host)
    await addPod(runner, 'dns', both(53))
    await serve(host, 'dns')
    t.equal(await fetchUdp(host, 'host', '127.0.0.53:53'), 'the host')
    t.equal(await fetchTcp(host, 'host', '127.0.0.53:53'), 'the host')
    t.equal(await fetchUdp(host, 'host', '127.0.0.1:53'), 'the host')
    t.match(
      await fetchTcp(host, 'host', '127.0.0.1:53'),
      /^dns /,
      'which serves UDP alone',
    )
    t.match(await fetchUdp(host, 'fabric', `${HOST}:53`), /^dns /)
    t.match(await fetchTcp(host, 'fabric', `${HOST}:53`), /^dns /)
    t.strictSame(
      logLines(host, 'portmap').filter(({ level }) => level === 'warn'),
      [],
      'nobody loses anything',
    )
    // What a firewall's reload takes comes back the same.
    await host.exec('nft', ['flush', 'ruleset'])
    await addPod(runner, 'other')
    t.equal(await fetchUdp(host, 'host', '127.0.0.1:53'), 'the host')
    t.match(await fetchUdp(host, 'fabric', `${HOST}:53`), /^dns /)
    await delPod(runner, 'dns')
    await delPod(runner, 'other')
    await assertClean(t, host, before)
  },
)

t.test(
  'a program of the host loses its port: said in the log, refused to people',
  async (t) => {
    const host = await makeHost(t)
    await listen(host, 'tcp 0.0.0.0:8080', 'tcp 10.0.0.4:8081')
    const runner = runtime(host)
    for (const port of [8080, 8081]) {
      const pod = `web${port}`
      await addPod(runner, pod, both(port))
      await serve(host, pod)
      t.match(await fetchTcp(host, 'fabric', `${HOST}:${port}`), new RegExp(`^${pod} `))
      await delPod(runner, pod)
    }
    const said = logLines(host, 'portmap').filter(({ level }) => level === 'warn')
    t.match(said, [
      { msg: /tcp 0\.0\.0\.0:8080: a program of the host waits at 0\.0\.0\.0:8080/ },
      { msg: /tcp 0\.0\.0\.0:8081: a program of the host waits at 10\.0\.0\.4:8081/ },
    ])
    const netns = await host.addPodNetns('mine')
    const before = await host.snapshot()
    for (const port of ['8080:80', '10.0.0.4:8080:80', '8079-8081:80-82']) {
      const args = ['--container', 'mine', '--netns', netns, '--conflist', SEED_CONFLIST]
      const { code, stderr } = await vnetCni(host, 'attach', ...args, '-p', port)
      t.equal(code, 3, stderr)
      t.match(stderr, /-p: host port tcp .*:808[01]: a program of the host waits at/)
    }
    t.strictSame(await host.changesSince(before), [])
  },
)

t.test('two networks of one container with the same ports', async (t) => {
  const host = await makeHost(t)
  const before = await host.snapshot({ state: false })
  const nets = ['one', 'two'].map((name, i) => ({
    runner: runtime(host, { name }),
    ifname: `eth${i}`,
  }))
  const path = await host.addPodNetns('web')
  const addAll = async () => {
    const addresses: string[] = []
    for (const { runner, ifname } of nets) {
      addresses.push(addressOf(await runner.add('web', path, ifname, both(8080))))
    }
    return addresses
  }
  const portsLeadTo = async () => {
    const { stdout } = await host.exec('nft', [
      'list',
      'map',
      'ip',
      'azure_vnet_portmap',
      'any_address',
    ])
    return [...stdout.matchAll(/: ([\d.]+) \. 80/g)].map(([, address]) => address)
  }
  const other = runtime(host, { name: 'three' }, { delAfterFailedAdd: true })
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const addresses = await addAll()
    t.strictSame(await portsLeadTo(), [addresses[0], addresses[0]], 'the first has them')
    await t.rejects(addPod(other, 'late', both(8080)), {
      code: 102,
      msg: /one\/web\/eth0/,
    })
    // Whatever was flushed comes back the same.
    await host.exec('nft', ['flush', 'ruleset'])
    await addPod(other, 'plain')
    t.strictSame(await portsLeadTo(), [addresses[0], addresses[0]])
    await delPod(other, 'plain')
    const [first, second] = order.map((i) => nets[i!]!)
    await first!.runner.del('web', path, first!.ifname, both(8080))
    const heir = addresses[order[1]!]
    t.strictSame(await portsLeadTo(), [heir, heir], 'what stays has them')
    await t.rejects(addPod(other, 'late', both(8080)), { code: 102 })
    await second!.runner.del('web', path, second!.ifname, both(8080))
    await assertClean(t, host, before)
  }
})

for (const filtered of [false, true]) {
  t.test(
    `a UDP answer in parts, bridge netfilter ${filtered ? 'on' : 'off'}`,
    async (t) => {
      const host = await makeHost(t)
      await bridgeNetfilter(host, filtered)
      const runner = runtime(host)
      const pod = await addPod(runner, 'big', both(5353))
      await serve(host, 'big')
      const ask = (from: string, at: string, size: number) =>
        fetchUdp(host, from, at, { message: String(size) })
      for (const size of [1400, 4000, 20000]) {
        t.equal((await ask('fabric', `${HOST}:5353`, size)).length, size, `${size} bytes`)
        t.equal((await ask('fabric', `${pod}:80`, size)).length, size, 'directly as well')
      }
      t.equal((await ask('fabric', `${HOST}:5353`, 4000)).length, 4000, 'and again')
      t.equal((await ask('host', `${HOST}:5353`, 4000)).length, 4000, 'from the host')
    },
  )
}

t.test('a second NIC that forwards nothing is named', async (t) => {
  const host = await makeHost(t)
  const vm = host.names.vm
  const at = (line: string) => must('ip', ['-n', vm, ...line.split(' ')])
  await at('link add eth1 type veth peer name far1')
  await at('addr add 10.9.0.4/24 dev eth1')
  await at('link set eth1 up')
  const runner = runtime(host)
  const warned = () =>
    logLines(host, 'portmap').flatMap(({ level, msg }) => (level === 'warn' ? [msg] : []))
  await addPod(runner, 'one', {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: HOST }],
  })
  t.strictSame(warned(), [], 'nothing is meant to come there')
  await addPod(runner, 'web', both(8081))
  t.match(warned(), [/by eth1: set net\.ipv4\.conf\.eth1\.forwarding to 1/])
  await host.exec('sysctl', ['-qw', 'net.ipv4.conf.eth1.forwarding=1'])
  await addPod(runner, 'more', both(8082))
  t.equal(warned().length, 1)
})
