/**
 * `vnet-cni detach`: takes a container's network away, whether or not the container still runs.
 */
import { Attachments, type AttachmentRecord } from '../cni/runtime/attachments.js'
import { delChain, type ChainOptions } from '../cni/runtime/chain.js'
import { loadList } from '../cni/runtime/list.js'
import {
  EXIT,
  optional,
  UsageError,
  type Command,
  type Output,
  type Values,
} from './command.js'
import { cniPath, DEFAULT_CONFLIST, staleNetns } from './places.js'

const USAGE = `(--container ID | --pod NS/NAME) [options]

  --container ID      id of the container
  --pod NS/NAME       the pod, as it was given to attach; with --container both have to fit
  --gone              only where the network namespace is gone, as after the container's end
  --conflist FILE     list to run where nothing is recorded; ${DEFAULT_CONFLIST}
  --cni-path FOLDERS  where the plug-ins are; CNI_PATH or /opt/cni/bin
  --ifname NAME       only this interface; without a record eth0
  --json              print what was detached
`

/** The command. */
export const detach: Command = {
  name: 'detach',
  summary: 'takes the network of a container away: runs DEL of a whole list',
  usage: USAGE,
  options: {
    container: { type: 'string' },
    pod: { type: 'string' },
    conflist: { type: 'string' },
    'cni-path': { type: 'string' },
    ifname: { type: 'string' },
    gone: { type: 'boolean' },
  },
  async run({ values, out, host }) {
    const container = optional(values, 'container')
    const pod = optional(values, 'pod')
    if (!container && !pod) throw new UsageError('give --container ID or --pod NS/NAME')
    const records = new Attachments(host)
    const found = records.list().filter((record) => matches(record, values))
    const chain = { path: cniPath(values, host.env), host, stderr: out.warn }
    for (const record of found) {
      await delChain(record.list, staleNetns(record), chain, record.result)
      records.forget(record)
    }
    const isRecorded = records
      .list()
      .some(({ attachment }) => attachment.containerId === container)
    if (container && found.length === 0 && !isRecorded && !values['gone']) {
      await delUnrecorded(container, values, chain)
    }
    return tell(found, out)
  },
}

function matches(record: AttachmentRecord, values: Values): boolean {
  const { attachment, pod } = record
  const fits = (name: string, its: string) => (optional(values, name) ?? its) === its
  const isGone = staleNetns(record).netns === ''
  return (
    fits('ifname', attachment.ifname) &&
    fits('container', attachment.containerId) &&
    fits('pod', pod) &&
    (!values['gone'] || isGone)
  )
}

// Without a record the plug-ins work from their own.
async function delUnrecorded(
  containerId: string,
  values: Values,
  chain: ChainOptions,
): Promise<void> {
  const list = loadList(optional(values, 'conflist') ?? DEFAULT_CONFLIST)
  const ifname = optional(values, 'ifname') ?? 'eth0'
  await delChain(
    list,
    { containerId, netns: '', ifname, args: '', capabilityArgs: {} },
    chain,
  )
}

function tell(found: readonly AttachmentRecord[], out: Output): number {
  for (const { list, attachment } of found) {
    out.line(
      `detached ${attachment.containerId} (${attachment.ifname}) from ${list.name}`,
    )
  }
  if (found.length === 0) out.line('nothing was recorded as attached')
  out.json({
    detached: found.map(({ list, attachment: { containerId, ifname } }) => ({
      network: list.name,
      containerId,
      ifname,
    })),
  })
  return EXIT.ok
}
