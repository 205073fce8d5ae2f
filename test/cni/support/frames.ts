/** Frames as somebody with a raw socket sends them, and counters of what arrives. */
import type { AzureHost } from '../../helpers/azure-host.js'
import { addressBytes, macBytes } from '../../../dist/esm/ip/index.js'

const word = (number: number) => Buffer.from([number >> 8, number & 255])

function checksum(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return ~sum & 0xffff
}

/** Everybody on the link. */
export const EVERYBODY = 'ff:ff:ff:ff:ff:ff'

/** An Ethernet frame. */
export function frame(from: string, type: number, payload: Buffer, to = EVERYBODY) {
  return Buffer.concat([macBytes(to), macBytes(from), word(type), payload])
}

/** An IPv4 packet. */
export function ipv4(from: string, to: string, protocol: number, payload: Buffer) {
  const head = [0x45, 0, 0, 20 + payload.length, 0, 0, 0, 0, 64, protocol, 0, 0]
  const header = Buffer.concat([Buffer.from(head), addressBytes(from), addressBytes(to)])
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, payload])
}

/** An IPv6 packet. */
export function ipv6(from: string, to: string, next: number, payload: Buffer) {
  const head = [0x60, 0, 0, 0, 0, payload.length, next, 255]
  return Buffer.concat([Buffer.from(head), addressBytes(from), addressBytes(to), payload])
}

/** A UDP datagram without a checksum. */
export function udp(from: number, to: number): Buffer {
  return Buffer.concat([word(from), word(to), word(12), word(0), Buffer.from('mark')])
}

/** An ICMP or ICMPv6 message of a type. */
export function icmp(type: number): Buffer {
  return Buffer.from([type, ...Array.from({ length: 39 }, () => 0)])
}

/** An ARP packet: 1 asks, 2 answers. */
export function arp(operation: 1 | 2, mac: string, address: string, target: string) {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, operation])
  const sender = [macBytes(mac), addressBytes(address)]
  return Buffer.concat([head, ...sender, new Uint8Array(6), addressBytes(target)])
}

const SEND = `import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in sys.stdin.read().split(): s.send(bytes.fromhex(line))`

/** Sends frames by an interface of a pod. */
export async function send(
  host: AzureHost,
  pod: string,
  frames: readonly Buffer[],
  ifname = 'eth0',
): Promise<void> {
  const input = frames.map((one) => one.toString('hex')).join('\n')
  const done = await host.execIn(pod, 'python3', ['-c', SEND, ifname], { input })
  if (done.code !== 0) throw new Error(done.stderr)
}

/**
 * Counts what comes in by a link: one counter for each match of nft, by its name.
 *
 * @returns reads the counters
 */
export async function countFrames(
  host: AzureHost,
  where: string,
  link: string,
  matches: Readonly<Record<string, string>>,
): Promise<() => Promise<Record<string, number>>> {
  const counters = Object.keys(matches).map((name) => `counter n_${name} { }`)
  const rules = Object.entries(matches).map(([name, m]) => `${m} counter name n_${name}`)
  const hook = `type filter hook ingress device ${link} priority 0;`
  const input = [
    `table netdev seen {`,
    ...counters,
    `chain in { ${hook}`,
    ...rules,
    '}',
    '}',
  ].join('\n')
  const { code, stderr } = await host.execIn(where, 'nft', ['-f', '-'], { input })
  if (code !== 0) throw new Error(stderr)
  return async () => {
    const list = ['-j', 'list', 'counters', 'netdev']
    const { stdout } = await host.execIn(where, 'nft', list)
    const { nftables } = JSON.parse(stdout) as {
      nftables: { counter?: { name: string; packets: number } }[]
    }
    return Object.fromEntries(
      nftables.flatMap(({ counter }) =>
        counter ? [[counter.name.slice(2), counter.packets]] : [],
      ),
    )
  }
}
