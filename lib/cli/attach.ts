/**
 * `vnet-cni attach`: gives a container that has a network namespace its network.
 */
import { netnsId, type AttachmentRecord } from '../cni/runtime/attachment-record.js'
import {
  Attachments,
  type DamagedRecord,
  type Recorded,
} from '../cni/runtime/attachments.js'
import { addChain, ChainUndoError, type Attachment } from '../cni/runtime/chain.js'
import { loadList } from '../cni/runtime/list.js'
import { sameOwner } from '../cni/spec/owner.js'
import { printResult } from '../cni/spec/result.js'
import type { JsonObject, PortMapping } from '../cni/spec/types.js'
import { engineOf } from '../engine/engine.js'
import type { Host } from '../host/host.js'
import { parseMappings } from '../portmap/mapping.js'
import { localSockets } from '../portmap/sockets.js'
import {
  EXIT,
  RefusedError,
  repeated,
  required,
  UsageError,
  type Command,
  type Output,
  type Values,
} from './command.js'
import { logOf } from './log.js'
import { containerOption, ifnameOption, podOption, type PodName } from './names.js'
import { cniPath, conflistFile, PLACES_USAGE } from './places.js'
import { parsePorts } from './ports.js'
import { ownerOf, removeDamaged, removeRecorded, type Removal } from './removal.js'

const USAGE = `--container ID --netns PATH [options]

  --container ID      id of the container, as its runtime has it
  --netns PATH        its network namespace, such as /proc/PID/ns/net
  --pod NS/NAME       K8S_POD_NAMESPACE and K8S_POD_NAME for the plug-ins, and a name for detach
${PLACES_USAGE}
  --ifname NAME       interface in the container; eth0
  -p, --publish PORT  [HOST-IP:]HOST-PORT:CONTAINER-PORT[/tcp|udp|sctp]; may be repeated; ranges
                      such as 8000-8100:8000-8100 must be as long as each other
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
    const wanted = toRecord(values, host.bootId())
    const records = new Attachments(host, out.warn)
    const chain = { path: cniPath(values, host.env), host, stderr: out.warn }
    const removal: Removal = { records, chain }
    const before = beforeIt(records.list(), wanted)
    const isAgain = values['again'] === true
    const record = isAgain ? asBefore(before, wanted) : wanted
    refuseServedPorts(host, record)
    await takeBack(before, wanted, removal)
    // In this order: a crash between the two must not lose the ports.
    records.save(record)
    forgetOthers(before, record, records)
    return add(record, removal, { keep: isAgain, out })
  },
}

function toRecord(values: Values, bootId: string): AttachmentRecord {
  required(values, 'container')
  const containerId = containerOption(values) as string
  const netns = required(values, 'netns')
  const pod = podOption(values)
  const portMappings = repeated(values, 'publish').flatMap(parsePorts)
  const attachment: Attachment = {
    containerId,
    netns,
    ifname: ifnameOption(values) ?? 'eth0',
    args: podArgs(pod, containerId),
    capabilityArgs: { ...(portMappings.length > 0 && { portMappings }) },
  }
  const list = loadList(conflistFile(values))
  refuseUselessPorts(list.plugins, attachment.capabilityArgs)
  const identity = { netnsId: netnsId(netns), bootId }
  return { list, attachment, pod: pod?.text ?? '', ...identity, runs: [] }
}

/** CNI_ARGS as a kubelet's runtime has them. */
function podArgs(pod: PodName | undefined, containerId: string): string {
  if (!pod) return ''
  return [
    'IgnoreUnknown=1',
    `K8S_POD_NAMESPACE=${pod.namespace}`,
    `K8S_POD_NAME=${pod.name}`,
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

/**
 * portmap takes a port where a program of the host waits, as the reference plug-in does; whoever types
 * one in should be told.
 */
function refuseServedPorts(host: Host, { attachment }: AttachmentRecord): void {
  const wanted = attachment.capabilityArgs['portMappings'] as PortMapping[] | undefined
  const known = wanted?.filter(({ protocol }) => protocol !== 'sctp') ?? []
  if (known.length === 0) return
  const [clash] = localSockets(host.current(), parseMappings(known)).clashes
  if (clash === undefined) return
  throw new RefusedError(`-p: ${clash}: choose another port, or end that program`)
}

/** What was attached before by the same name, to whatever network: an interface has one. */
function beforeIt(
  { records, damaged }: Recorded,
  { attachment: { containerId, ifname } }: AttachmentRecord,
): Recorded {
  const isSame = (one: AttachmentRecord | DamagedRecord) => {
    const owner = ownerOf(one)
    return owner.containerId === containerId && owner.ifname === ifname
  }
  return { records: records.filter(isSame), damaged: damaged.filter(isSame) }
}

/** It goes by the rules that it was made by. */
async function takeBack(
  { records, damaged }: Recorded,
  { list }: AttachmentRecord,
  removal: Removal,
): Promise<void> {
  for (const record of records) await removeRecorded(record, removal)
  for (const record of damaged) await removeDamaged(record, list, removal)
}

function forgetOthers(
  { records, damaged }: Recorded,
  now: AttachmentRecord,
  store: Attachments,
): void {
  const own = ownerOf(now)
  for (const owner of [...records, ...damaged].map(ownerOf)) {
    if (!sameOwner(owner, own)) store.forget(owner)
  }
}

/**
 * With the ports, and the pod, that it had.
 *
 * @throws RefusedError when they are not known and no port is given: it would lose them silently
 */
function asBefore({ records }: Recorded, now: AttachmentRecord): AttachmentRecord {
  const before = records.find(({ list }) => list.name === now.list.name) ?? records[0]
  if (!before) {
    if (now.attachment.capabilityArgs['portMappings']) return now
    const { containerId, ifname } = now.attachment
    throw new RefusedError(
      `--again: no usable record of ${containerId} (${ifname}) tells its ports: attach it ` +
        'without --again, with all its ports as -p',
    )
  }
  const { capabilityArgs, args } = before.attachment
  const attachment = {
    ...now.attachment,
    args: now.attachment.args || args,
    capabilityArgs: { ...capabilityArgs, ...now.attachment.capabilityArgs },
  }
  refuseUselessPorts(now.list.plugins, attachment.capabilityArgs)
  return { ...now, attachment, pod: now.pod || before.pod }
}

// The log has it once; who attaches by hand looks here.
function warnOfFirewall(out: Output, host: Host): void {
  const { networks } = engineOf(host, logOf(out)).store.read()
  for (const { firewall } of Object.values(networks)) {
    for (const text of firewall?.said ?? [])
      out.warn(`vnet-cni attach: warning: ${text}\n`)
  }
}

interface AddOptions {
  /** Keep the record of a failure, so that the next --again still knows the ports. */
  readonly keep: boolean
  readonly out: Output
}

async function add(
  record: AttachmentRecord,
  { records, chain }: Removal,
  { keep, out }: AddOptions,
): Promise<number> {
  const { list, attachment } = record
  try {
    const result = await addChain(list, attachment, {
      ...chain,
      note: (progress) => records.save({ ...record, ...progress }),
    })
    const addresses = (result.ips ?? []).map(({ address }) => address).join(', ')
    warnOfFirewall(out, chain.host)
    out.line(addresses || 'attached, without an address')
    out.json(printResult(result, list.cniVersion))
    return EXIT.ok
  } catch (error) {
    // Where even DEL failed, the record says what is left: detach works from it.
    if (error instanceof ChainUndoError) throw error
    if (keep) records.save(record)
    else records.forget(ownerOf(record))
    throw error
  }
}
