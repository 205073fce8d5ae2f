/**
 * `vnet-cni detach`: takes a container's network away, whether or not the container still runs.
 */
import {
  attachmentForDel,
  type AttachmentRecord,
} from '../cni/runtime/attachment-record.js'
import {
  Attachments,
  type DamagedRecord,
  type Recorded,
} from '../cni/runtime/attachments.js'
import { loadList } from '../cni/runtime/list.js'
import { ownerKey, type Owner } from '../cni/spec/owner.js'
import type { Host } from '../host/host.js'
import { EXIT, UsageError, type Command, type Output, type Values } from './command.js'
import { containerOption, ifnameOption, podOption } from './names.js'
import { cniPath, conflistFile, PLACES_USAGE } from './places.js'
import {
  ownerOf,
  removeByName,
  removeDamaged,
  removeRecorded,
  type Removal,
} from './removal.js'
import { select, type Candidate, type Wanted } from './select.js'

const USAGE = `(--container ID | --pod NS/NAME) [options]

  --container ID      id of the container
  --pod NS/NAME       the pod, as it was given to attach; with --container both must fit
${PLACES_USAGE}
                      the list is run where nothing is recorded
  --ifname NAME       only this interface; without a record eth0
  --gone              only what is on record, and whose network namespace is gone
  --force             go on where a plug-in is missing or fails: what it made may stay
  --json              print what was detached

Exit code 3: refused, because it is not clear which container is meant.
`

/** The command. */
export const detach: Command = {
  name: 'detach',
  summary: 'takes the network of a container away: runs DEL of its whole list',
  usage: USAGE,
  options: {
    container: { type: 'string' },
    pod: { type: 'string' },
    conflist: { type: 'string' },
    'cni-path': { type: 'string' },
    ifname: { type: 'string' },
    force: { type: 'boolean' },
    gone: { type: 'boolean' },
  },
  async run({ values, out, host }) {
    const container = containerOption(values)
    const pod = podOption(values)?.text
    const ifname = ifnameOption(values)
    if (!container && !pod) throw new UsageError('give --container ID or --pod NS/NAME')
    const records = new Attachments(host, out.warn)
    const gone = values['gone'] === true
    const all = candidates(records.list())
    const wanted = { container, pod, ifname }
    // Those that are gone cannot be taken for one that lives: their number does not matter.
    const found = gone ? goneOnes(all, wanted, host, out) : select(all, wanted)
    const removal: Removal = {
      records,
      chain: { path: cniPath(values, host.env), host, stderr: out.warn },
      force: values['force'] === true,
    }
    for (const { record } of found) {
      await remove(record, values, removal)
      records.forget(ownerOf(record))
    }
    if (found.length === 0 && container && !gone) {
      const owner = { containerId: container, ifname: ifname ?? 'eth0' }
      await removeByName(owner, loadList(conflistFile(values)), removal)
    }
    return tell(
      found.map(({ record }) => ownerOf(record)),
      out,
    )
  },
}

interface Found extends Candidate {
  readonly record: AttachmentRecord | DamagedRecord
}

function candidates({ records, damaged }: Recorded): Found[] {
  return [...records, ...damaged].map((record) => {
    const owner = ownerOf(record)
    const { containerId, ifname } = owner
    return { containerId, ifname, label: ownerKey(owner), pod: record.pod, record }
  })
}

function goneOnes(
  all: readonly Found[],
  { container, pod, ifname }: Wanted,
  host: Host,
  out: Output,
): Found[] {
  const fitting = all.filter(
    (one) =>
      (container === undefined || one.containerId === container) &&
      (pod === undefined || one.pod === undefined || one.pod === pod) &&
      (ifname === undefined || one.ifname === ifname),
  )
  return fitting.filter(({ record, label, containerId }) => {
    if (!('owner' in record)) return attachmentForDel(record, host.bootId()).netns === ''
    out.warn(
      `${label}: the record is damaged and does not tell whether the container is gone: ` +
        `when it is, run vnet-cni detach --container ${containerId}\n`,
    )
    return false
  })
}

function remove(
  record: AttachmentRecord | DamagedRecord,
  values: Values,
  removal: Removal,
): Promise<void> {
  return 'owner' in record
    ? removeDamaged(record, loadList(conflistFile(values)), removal)
    : removeRecorded(record, removal)
}

function tell(found: readonly Owner[], out: Output): number {
  for (const { network, containerId, ifname } of found) {
    out.line(`detached ${containerId} (${ifname}) from ${network}`)
  }
  if (found.length === 0) out.line('nothing was recorded as attached')
  out.json({ detached: found })
  return EXIT.ok
}
