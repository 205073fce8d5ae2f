import { NetNs, type Address, type Link } from '../../../dist/esm/index.js'
import type { AzureHost } from '../azure-host.js'
import { ADDRESS, FABRIC_MAC } from '../fabric.js'

/** The links of a namespace, apart from loopback, and its addresses. */
interface Network {
  links: Link[]
  addresses: Address[]
}

async function networkOf(netns: string): Promise<Network> {
  using namespace = NetNs.open(netns)
  const links = (await namespace.link.dump()).filter(({ name }) => name !== 'lo')
  return { links, addresses: await namespace.address.dump({ family: 'ipv4' }) }
}

function addressesOf(link: Link, { addresses }: Network): string[] {
  return addresses.filter((one) => one.link === link.index).map((one) => one.address)
}

/** A frame around lines; `down` marks columns in its lower edge, `up` in its upper one. */
function box(
  title: string,
  lines: string[],
  width: number,
  up = -1,
  down = -1,
): string[] {
  const inner = width - 2
  const head = `─ ${title} `.padEnd(inner, '─')
  const mark = (edge: string, at: number, sign: string): string =>
    at < 0 ? edge : edge.slice(0, at) + sign + edge.slice(at + 1)
  return [
    mark(`┌${head}┐`, up, '┴'),
    ...lines.map((line) => `│ ${line.padEnd(inner - 2)} │`),
    mark(`└${'─'.repeat(inner)}┘`, down, '┬'),
  ]
}

function sideBySide(boxes: string[][], gap: string): string[] {
  const height = Math.max(...boxes.map((lines) => lines.length))
  return Array.from({ length: height }, (_, row) =>
    boxes.map((lines) => lines[row] ?? ' '.repeat(lines[0]?.length ?? 0)).join(gap),
  )
}

function vmLine(link: Link, vm: Network, podOf: ReadonlyMap<number, string>): string {
  const pod = podOf.get(link.index)
  const bridge = vm.links.find(({ index }) => index === link.master)
  const parts = [
    link.name.padEnd(15),
    link.mac,
    addressesOf(link, vm).join(' ').padEnd(14),
    link.kind === 'bridge' ? 'bridge' : bridge ? `port of ${bridge.name}` : '',
    pod ? `→ ${pod}` : '',
  ]
  return parts.filter((part, index) => part || index === 2).join('  ')
}

function podBox(name: string, pod: Network): string[] {
  const [link] = pod.links
  const lines = link
    ? [`${link.name} ${addressesOf(link, pod).join(' ')}`, link.mac]
    : ['no interface']
  return box(name, lines, 27, 12)
}

/** Pictures the network as it is at this moment: names, MAC and IP addresses. */
export async function drawTopology(host: AzureHost): Promise<string[]> {
  const names = [...host.pods.keys()]
  const pods = await Promise.all([...host.pods.values()].map(networkOf))
  const podOf = new Map(
    pods.flatMap(({ links }, at) =>
      links.map((link) => [link.link ?? -1, names[at]!] as const),
    ),
  )
  const vm = await networkOf(host.netnsPath)
  const vmLines = vm.links.map((link) => vmLine(link, vm, podOf))
  const outside = [
    `router      ${ADDRESS.gateway}  ${FABRIC_MAC}`,
    `wireserver  ${ADDRESS.wireserver}   Internet ${ADDRESS.internet}`,
    `second VM   ${ADDRESS.secondVm}      peered VM ${ADDRESS.peeredVm}`,
  ]
  const widest = Math.max(...[...vmLines, ...outside].map((line) => line.length))
  const width = Math.max(widest + 4, pods.length * 30 - 3)
  const center = Math.floor(width / 2)
  const vmBox = box(host.names.vm, vmLines, width, center)
  const legs = [...vmBox.at(-1)!]
  pods.forEach((_, at) => (legs[at * 30 + 12] = '┬'))
  const picture = [
    ...box(host.names.fabric, outside, width, -1, center),
    ...vmBox.slice(0, -1),
    legs.join(''),
    ...sideBySide(
      pods.map((pod, at) => podBox(names[at]!, pod)),
      '   ',
    ),
  ]
  return picture.map((line) => `  ${line}`)
}
