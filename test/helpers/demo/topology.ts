import type { AzureHost } from '../azure-host.js'
import { ADDRESS, FABRIC_MAC } from '../fabric.js'

interface Link {
  ifindex: number
  link_index?: number
  ifname: string
  address: string
  master?: string
  flags: string[]
  linkinfo?: { info_kind?: string }
  addr_info: { family: string; local: string; prefixlen: number; scope: string }[]
}

async function linksOf(host: AzureHost, where: string): Promise<Link[]> {
  const { stdout } = await host.execIn(where, 'ip', ['-j', '-d', 'addr'])
  const links = JSON.parse(stdout || '[]') as Link[]
  return links.filter((link) => link.ifname !== 'lo')
}

function addressesOf(link: Link): string[] {
  return link.addr_info
    .filter((info) => info.family === 'inet' && info.scope === 'global')
    .map((info) => `${info.local}/${info.prefixlen}`)
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

function vmLine(link: Link, podOf: ReadonlyMap<number, string>): string {
  const kind = link.linkinfo?.info_kind ?? ''
  const pod = podOf.get(link.ifindex)
  const parts = [
    link.ifname.padEnd(15),
    link.address,
    addressesOf(link).join(' ').padEnd(14),
    kind === 'bridge' ? 'bridge' : link.master ? `port of ${link.master}` : '',
    pod ? `→ ${pod}` : '',
  ]
  return parts.filter((part, index) => part || index === 2).join('  ')
}

/** Pictures the network as it is at this moment: names, MAC and IP addresses. */
export async function drawTopology(host: AzureHost): Promise<string[]> {
  const names = [...host.pods.keys()]
  const podLinks = await Promise.all(names.map((pod) => linksOf(host, pod)))
  const podOf = new Map<number, string>()
  podLinks.forEach((links, at) => {
    for (const link of links) podOf.set(link.link_index ?? -1, names[at]!)
  })
  const vm = (await linksOf(host, 'vm')).map((link) => vmLine(link, podOf))
  const outside = [
    `router      ${ADDRESS.gateway}  ${FABRIC_MAC}`,
    `wireserver  ${ADDRESS.wireserver}   Internet ${ADDRESS.internet}`,
    `second VM   ${ADDRESS.secondVm}      peered VM ${ADDRESS.peeredVm}`,
  ]
  const pods = podLinks.map((links, at) => {
    const [link] = links
    const lines = link
      ? [`${link.ifname} ${addressesOf(link).join(' ')}`, link.address]
      : ['no interface']
    return box(names[at]!, lines, 27, 12)
  })
  const widest = Math.max(...[...vm, ...outside].map((line) => line.length))
  const width = Math.max(widest + 4, pods.length * 30 - 3)
  const center = Math.floor(width / 2)
  const vmBox = box(host.names.vm, vm, width, center)
  const legs = [...vmBox.at(-1)!]
  pods.forEach((_, at) => (legs[at * 30 + 12] = '┬'))
  const picture = [
    ...box(host.names.fabric, outside, width, -1, center),
    ...vmBox.slice(0, -1),
    legs.join(''),
    ...sideBySide(pods, '   '),
  ]
  return picture.map((line) => `  ${line}`)
}
