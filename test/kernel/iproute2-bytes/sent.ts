/** What programs send to rtnetlink, read off by strace. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NetNs, Plan } from 'vnet-cni'
import { runSync } from '../../helpers/process.js'
import { pathOf } from '../helper.js'

const ROOT = new URL('../../..', import.meta.url).pathname

/** The datagrams that a trace holds, in order. */
function datagrams(trace: string): Buffer[] {
  const found: string[] = []
  let netlink = false
  for (const line of trace.split('\n')) {
    // The hexadecimal dump that `-e write` adds follows the line of the call.
    const [, digits] = /^ \| [0-9a-f]{5,}((?: {1,2}[0-9a-f]{2})+) /.exec(line) ?? []
    if (digits !== undefined && netlink) found.push(`${found.pop()}${digits}`)
    else if (/^send\w+\(/.test(line)) {
      netlink = line.includes('nlmsg_len=')
      if (netlink) found.push('')
    }
  }
  return found.map((digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex'))
}

/** RTM_GET… is every third of four types (linux/rtnetlink.h); only what changes counts here. */
const changes = (bytes: Buffer) => (bytes.readUInt16LE(4) & 3) !== 2

function traced(ns: NetNs, folder: string, call: string, argv: string[], input = '') {
  const trace = ['strace', '-ff', '-qq', '-e', `trace=${call}`, '-e', 'signal=none']
  const output = ['-e', 'write=all', '-o', join(folder, 'trace')]
  const done = runSync('nsenter', [`--net=${pathOf(ns)}`, ...trace, ...output, ...argv], {
    input,
    cwd: ROOT,
    env: { NODE_OPTIONS: undefined },
  })
  const sent = readdirSync(folder)
    .sort()
    .flatMap((name) => datagrams(readFileSync(join(folder, name), 'utf8')))
    .filter(changes)
  return { sent, done }
}

/** What `ip`, `ip -6` or `bridge` sends for lines of its batch mode; the kernel may refuse them. */
export function sentByProgram(
  ns: NetNs,
  folder: string,
  program: string,
  lines: readonly string[],
): Buffer[] {
  // By sendto goes only what `ip` asks to find out what the kernel knows.
  const argv = [...program.split(' '), '-force', '-batch', '-']
  const { sent, done } = traced(ns, folder, 'sendmsg', argv, `${lines.join('\n')}\n`)
  if (sent.length === lines.length) return sent
  throw new Error(`${sent.length} messages of ${lines.length} lines: ${done.stderr}`)
}

const RUN = `
  import { NetNs } from 'vnet-cni'
  import { readFileSync } from 'node:fs'
  const ns = NetNs.current()
  for (const steps of JSON.parse(readFileSync(0, 'utf8'))) {
    const plan = ns.plan()
    for (const { op, args, flags } of steps) plan.raw(op, args, { flags })
    try { plan.runSync({ onFailure: 'stop' }) } catch (error) {
      if (error.name !== 'NetlinkError') throw error
    }
  }`

/** What the addon sends for plans of one step; the kernel may refuse them. */
export function sentByPlans(ns: NetNs, folder: string, plans: readonly Plan[]): Buffer[] {
  const argv = [process.execPath, '--input-type=module', '-e', RUN]
  const steps = JSON.stringify(plans.map((plan) => plan.steps))
  const { sent, done } = traced(ns, folder, 'sendto', argv, steps)
  if (sent.length === plans.length) return sent
  throw new Error(`${sent.length} messages of ${plans.length} plans: ${done.stderr}`)
}
