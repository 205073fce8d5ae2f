/** What is on 127.0.0.0/8 of the host stays there, whatever `route_localnet` host ports need. */
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import { ADDRESS, FABRIC_MAC } from '../helpers/fabric.js'
import { until } from '../helpers/process.js'
import { frame, ipv4, send, udp } from './support/frames.js'
import { addPod, delPod, makeHost, runtime } from './support/setup.js'
import { bridgeNetfilter, fetchTcp, serve } from './support/traffic.js'

const [IP, TCP, UDP] = [0x0800, 6, 17] as const
const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' as const }]

const WATCH = `table inet watch {
  counter to { }
  counter from { }
  counter last { }
  chain input {
    type filter hook input priority -400;
    iifname lo accept
    ip daddr 127.0.0.0/8 counter name to
    ip saddr 127.0.0.0/8 counter name from
    udp dport 7777 counter name last
  }
}`

function syn(port: number): Buffer {
  const segment = Buffer.alloc(20)
  segment.writeUInt16BE(40000, 0)
  segment.writeUInt16BE(port, 2)
  segment.writeUInt8(0x50, 12)
  segment.writeUInt8(0x02, 13)
  return segment
}

/** Counts what comes to the host's sockets of 127.0.0.0/8 from outside. */
async function reached(
  host: AzureHost,
  from: string,
  link: string,
  { mac, address }: { mac: string; address: string },
): Promise<{ to: number; from: number }> {
  await host.exec('nft', ['-f', '-'], { input: WATCH })
  const packets = [
    ...['127.0.0.1', '127.0.0.2', '127.255.255.254'].flatMap((to) => [
      ipv4(address, to, TCP, syn(8000)),
      ipv4(address, to, TCP, syn(8080)),
      ipv4(address, to, UDP, udp(5, 8000)),
    ]),
    ...['127.0.0.1', '127.0.0.2'].flatMap((source) => [
      ipv4(source, ADDRESS.primary, TCP, syn(8000)),
      ipv4(source, ADDRESS.primary, UDP, udp(5, 8000)),
      ipv4(source, '127.0.0.1', TCP, syn(8000)),
    ]),
    ipv4(address, ADDRESS.primary, UDP, udp(5, 7777)),
  ]
  const frames = packets.map((packet) => frame(mac, IP, packet, host.nic.mac))
  await send(host, from, frames, link)
  const read = async () => {
    const { stdout } = await host.exec('nft', ['-j', 'list', 'counters', 'inet'])
    const { nftables } = JSON.parse(stdout) as {
      nftables: { counter?: { name: string; packets: number } }[]
    }
    return Object.fromEntries(
      nftables.flatMap(({ counter }) =>
        counter ? [[counter.name, counter.packets]] : [],
      ),
    )
  }
  await until('the last packet', async () => ((await read())['last'] ?? 0) > 0)
  const counted = await read()
  await host.exec('nft', ['delete', 'table', 'inet', 'watch'])
  return { to: counted['to'] ?? -1, from: counted['from'] ?? -1 }
}

async function sealed(test: Test, host: AzureHost, when: string): Promise<void> {
  const neighbour = { mac: FABRIC_MAC, address: ADDRESS.secondVm }
  const none = { to: 0, from: 0 }
  test.strictSame(
    await reached(host, 'fabric', 'vm0', neighbour),
    none,
    `${when}: a neighbour`,
  )
  const pod = { mac: '0a:58:0a:00:00:06', address: '10.0.0.6' }
  test.strictSame(await reached(host, 'two', 'eth0', pod), none, `${when}: a pod`)
}

const switchOf = async (host: AzureHost) =>
  (await host.exec('sysctl', ['-n', 'net.ipv4.conf.azure0.route_localnet'])).stdout.trim()

for (const filtered of [false, true]) {
  for (const spoofGuard of [true, false]) {
    const how = `bridge-nf-call-iptables ${filtered}, spoof guard ${spoofGuard}`
    t.test(`neither neighbours nor pods reach it: ${how}`, async (test) => {
      const host = await makeHost(test)
      await bridgeNetfilter(host, filtered)
      await serve(host, 'vm', 8000)
      const runner = runtime(host, { vnet: { spoofGuard } })
      await addPod(runner, 'one', { portMappings })
      await addPod(runner, 'two')
      await addPod(runner, 'three', {
        portMappings: [{ ...portMappings[0]!, hostPort: 9090 }],
      })
      await serve(host, 'one')
      test.match(await fetchTcp(host, 'vm', '127.0.0.1:8080'), /^one /)
      test.equal(await switchOf(host), '1')
      await sealed(test, host, 'with ports')
      await delPod(runner, 'one')
      test.equal(await switchOf(host), '1', 'another pod needs it')
      await sealed(test, host, 'with the port of another')
      await delPod(runner, 'three')
      test.equal(await switchOf(host), '0', 'it goes with the last mapping')
      await sealed(test, host, 'without ports')
    })
  }
}
