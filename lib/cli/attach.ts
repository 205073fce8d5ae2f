/**
 * `vnet-cni attach`: gives a container that has a network namespace its network.
 */
import {
  Attachments,
  netnsId,
  type AttachmentRecord,
} from '../cni/runtime/attachments.js'
import {
  addChain,
  ChainUndoError,
  delChain,
  type Attachment,
  type ChainOptions,
} from '../cni/runtime/chain.js'
import { loadList } from '../cni/runtime/list.js'
import { printResult } from '../cni/spec/result.js'
import type { JsonObject } from '../cni/spec/types.js'
import {
  EXIT,
  optional,
  repeated,
  required,
  UsageError,
  type Command,
  type Output,
  type Values,
} from './command.js'
import { cniPath, DEFAULT_CONFLIST, staleNetns } from './places.js'
import { parsePort } from './ports.js'

const USAGE = `--container ID --netns PATH [options]

  --container ID      id of the container, as its runtime has it
  --netns PATH        its network namespace, such as /proc/PID/ns/net
  --pod NS/NAME       K8S_POD_NAMESPACE and K8S_POD_NAME for the plug-ins, and a name for detach
  --conflist FILE     network configuration list; ${DEFAULT_CONFLIST}
  --cni-path FOLDERS  where the plug-ins are; CNI_PATH or /opt/cni/bin
  --ifname NAME       interface in the container; eth0
  -p, --publish PORT  [HOST-IP:]HOST-PORT:CONTAINER-PORT[/tcp|udp|sctp]; may be repeated
  --again             the container was restarted: attach it anew, with the ports that it had
  --json              print the result of the last plug-in
`

/** The command. */
export const attach: Command = {
  name: 'attach',
  summary: 'gives a container its network: runs ADD of a whole list',
  usage: USAGE,
  options: {
    container: { type: 'string' },
    netns: { type: 'string' },
    pod: { type: 'string' },
    conflist: { type: 'string' },
    'cni-path': { type: 'string' },
    ifname: { type: 'string' },
    publish: { type: 'string', short: 'p', multiple: true },
    again: { type: 'boolean' },
  },
  async run({ values, out, host }) {
    const records = new Attachments(host)
    const wanted = toRecord(values)
    const path = cniPath(values, host.env)
    const chain = { path, host, stderr: out.warn }
    const before = findSame(records, wanted)
    const record = before && values['again'] ? withPortsOf(before, wanted) : wanted
    // What an attachment of the same name left goes by the rules that it was made by.
    if (before) await delChain(before.list, staleNetns(before), chain, before.result)
    records.save(record)
    return add(records, record, { chain, keep: before !== undefined, out })
  },
}

function toRecord(values: Values): AttachmentRecord {
  const netns = required(values, 'netns')
  const pod = optional(values, 'pod') ?? ''
  const containerId = required(values, 'container')
  const portMappings = repeated(values, 'publish').map(parsePort)
  const attachment: Attachment = {
    containerId,
    netns,
    ifname: optional(values, 'ifname') ?? 'eth0',
    args: podArgs(pod, containerId),
    capabilityArgs: { ...(portMappings.length > 0 && { portMappings }) },
  }
  const list = loadList(optional(values, 'conflist') ?? DEFAULT_CONFLIST)
  refuseUselessPorts(list.plugins, attachment.capabilityArgs)
  return { list, attachment, pod, netnsId: netnsId(netns) }
}

/** CNI_ARGS as a kubelet's runtime has them. */
function podArgs(pod: string, containerId: string): string {
  if (pod === '') return ''
  const [namespace, name, ...more] = pod.split('/')
  if (!namespace || !name || more.length > 0 || /[;=]/.test(pod)) {
    throw new UsageError(`--pod ${pod} is not valid: use NAMESPACE/NAME`)
  }
  return [
    'IgnoreUnknown=1',
    `K8S_POD_NAMESPACE=${namespace}`,
    `K8S_POD_NAME=${name}`,
    `K8S_POD_INFRA_CONTAINER_ID=${containerId}`,
  ].join(';')
}

// A port that nobody maps would be a silent surprise.
function refuseUselessPorts(plugins: readonly JsonObject[], args: JsonObject): void {
  const takes = plugins.some(
    ({ capabilities }) =>
      (capabilities as JsonObject | undefined)?.['portMappings'] === true,
  )
  if (takes || !args['portMappings']) return
  throw new UsageError(
    '-p: no plug-in of the list has the capability portMappings: add portmap to it',
  )
}

function findSame(records: Attachments, { list, attachment }: AttachmentRecord) {
  return records
    .list()
    .find(
      (one) =>
        one.list.name === list.name &&
        one.attachment.containerId === attachment.containerId &&
        one.attachment.ifname === attachment.ifname,
    )
}

function withPortsOf(before: AttachmentRecord, now: AttachmentRecord): AttachmentRecord {
  const { capabilityArgs, args } = before.attachment
  const attachment = {
    ...now.attachment,
    args: now.attachment.args || args,
    capabilityArgs: { ...capabilityArgs, ...now.attachment.capabilityArgs },
  }
  return { ...now, attachment, pod: now.pod || before.pod }
}

interface AddOptions {
  readonly chain: ChainOptions
  /** Keep the record of a failure, so that --again still knows the ports. */
  readonly keep: boolean
  readonly out: Output
}

async function add(
  records: Attachments,
  record: AttachmentRecord,
  { chain, keep, out }: AddOptions,
): Promise<number> {
  const { list, attachment } = record
  try {
    const result = await addChain(list, attachment, chain)
    records.save({ ...record, result })
    const addresses = (result.ips ?? []).map(({ address }) => address).join(', ')
    out.line(addresses || 'attached, without an address')
    out.json(printResult(result, list.cniVersion))
    return EXIT.ok
  } catch (error) {
    // Where even DEL failed, the record stays: detach works from it.
    if (!keep && !(error instanceof ChainUndoError)) records.forget(record)
    throw error
  }
}
