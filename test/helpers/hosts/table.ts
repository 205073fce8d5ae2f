import { CELLS, type Cell } from './host-kind.js'
import type { CellReport, HostReport, State } from './outcome.js'

const MARKS: Record<State, string> = {
  works: '✓',
  closed: '○',
  named: '⚠',
  mended: '↻',
  refused: '⊘',
  broken: '✗',
  none: '·',
}

/** What the marks mean. */
const MEANINGS: Record<State, string> = {
  works:
    'works: before pods, with them, after each event, after the last DEL, after reset',
  closed: 'works, but for ways that the host itself closes, with or without pods',
  named:
    'works, but for ways that a setting of the host closes to pods or their bridge: the log names it',
  mended: 'an event breaks it, and the next call of the plug-ins mends it',
  refused: 'pods are refused before anything is changed, with the reason',
  broken: 'broken',
  none: 'there is nothing to try',
}

const COLUMNS: Record<Cell, string> = {
  'host → outside': 'host itself and DNS server, platform, Internet from it',
  'outside → host': 'the VNet reaches the host',
  'host TCP kept open': 'connections of the host, both ways, open all the while',
  services: 'what the host serves: asked from the VNet',
  'others → outside': 'containers of others reach VNet, Internet, pods',
  'others’ ports': 'their published ports, from everywhere',
  'others’ TCP kept open': 'their connections, both ways, open all the while',
  'pod ↔ pod': 'pods of all networks of the list among themselves',
  'pod ↔ host': 'both ways',
  'pod ↔ VNet': 'gateway, second VM, peered VM, both ways, with the pod’s own address',
  'pod → platform': 'wireserver',
  'pod → Internet': 'with the host’s address',
  'host ports':
    'TCP, UDP and UDP above the MTU: from the VNet, the host by its address and 127.0.0.1, other pods, the pod itself, containers of others',
  DNS: 'names by the platform’s server, from host, pods and others',
  MACs: 'no frame with another source MAC than the NIC’s came to the fabric',
  'given back':
    'after reset links, addresses, routes, rules, nft and switches are as before',
}

const PURPOSE = `Hosts as people have them, each made by the real programs, and what works on them with pods. Every way
is tried by TCP and by UDP before there are pods, with them, after each event, after the last DEL and
after \`vnet-cni reset\`; what did not work before pods were there is not held against them. The fabric
drops frames whose source MAC is not the NIC’s, as Azure does. This file is written by the run:`

const COMMAND = '    npm run zoo -- --matrix --write docs/hosts.md'

function isBroken({ state }: CellReport): boolean {
  return state === 'broken'
}

/** Whether nothing is broken on a host. */
export function isGreen(report: HostReport): boolean {
  return !Object.values(report.cells).some(isBroken)
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function tableOf(reports: readonly HostReport[]): string[] {
  const numbers = CELLS.map((_, index) => String(index + 1))
  return [
    row(['host', ...numbers]),
    row(['---', ...numbers.map(() => '---')]),
    ...reports.map(({ host, cells }) =>
      row([host, ...CELLS.map((cell) => MARKS[cells[cell].state])]),
    ),
  ]
}

/** Notes without their repetition for every phase and way: the first of each kind, and a count. */
function brief(notes: readonly string[], most = 3): string[] {
  const more = notes.length - most
  return [...notes.slice(0, most), ...(more > 0 ? [`and ${more} more`] : [])]
}

function detailsOf(report: HostReport): string[] {
  const notes = CELLS.flatMap((cell) => {
    const { state, notes: all } = report.cells[cell]
    const told = state === 'works' || state === 'none' ? [] : brief(all)
    return told.map((note) => `- ${MARKS[state]} ${cell}: ${note}`)
  })
  return [
    `### ${report.host}`,
    '',
    `${report.title}.`,
    '',
    ...(report.refused === undefined ? [] : [`- ⊘ ${report.refused}`]),
    ...notes,
    ...report.warnings.map((warning) => `- log: ${warning}`),
    ...events(report),
    '',
  ]
}

function events({ phases }: HostReport): string[] {
  const names = phases
    .map(({ name }) => /^after (.*?)(?: and the next call)?$/.exec(name)?.[1])
    .filter((name) => name && !/^(the last DEL|reset|the refusal)$/.test(name))
  const all = [...new Set(names)]
  return all.length === 0 ? [] : [`- events: ${all.join(', ')}`]
}

/** The table of all hosts, in Markdown. */
export function markdown(reports: readonly HostReport[]): string {
  const legend = Object.entries(MARKS).map(
    ([state, mark]) => `- ${mark} ${MEANINGS[state as State]}`,
  )
  const columns = CELLS.map((cell, index) => `${index + 1}. ${cell}: ${COLUMNS[cell]}`)
  return [
    ...['# Hosts', '', PURPOSE, '', COMMAND, '', ...tableOf(reports), ''],
    ...[...legend, '', 'The columns:', '', ...columns, '', '## Host by host', ''],
    ...reports.flatMap(detailsOf),
  ].join('\n')
}

/** The same for a terminal: a line for each host, and below it what does not work. */
export function lines(report: HostReport): string[] {
  const marks = CELLS.map((cell) => MARKS[report.cells[cell].state]).join(' ')
  return [`${report.host.padEnd(22)} ${marks}`, ...detailsOf(report).slice(4, -1)]
}
