/**
 * Attachments whose container is provably dead, though no DEL came for it: runtimes lose DELs, and
 * without GC their addresses would stay leased for ever.
 */
import { SyscallError } from '../errors.js'
import type { Host } from '../host/host.js'
import type { AttachRequest, Engine } from './engine.js'
import type { NodeState, PodIdentity, ReadyRecord, SandboxIdentity } from './records.js'
import { recordOf, readyRecords } from './state.js'
import { sweep } from './sweep.js'

/** Whose call looks for dead attachments, and who takes addresses back. */
export type Reclaimer = Pick<AttachRequest, 'owner' | 'leases'>

/**
 * Takes away the attachments that are provably dead among those that are asked for: the host's end of
 * the wire is gone, which the kernel takes along with the container's namespace, and what lies at
 * the namespace's path is not that namespace. What cannot be proven dead is kept. Never rejects: it
 * must not keep another container from its network.
 *
 * @param state what the store said a moment ago; the store has the last word
 * @returns how many there were
 */
export async function reclaimDead(
  engine: Engine,
  reclaimer: Reclaimer,
  state: NodeState,
  among: (record: ReadyRecord) => boolean = () => true,
): Promise<number> {
  try {
    const mayTake = (record: ReadyRecord) =>
      isTaker(reclaimer, record) && !isBeingTaken(engine.host, record) && among(record)
    const dead = findDead(engine, readyRecords(state).filter(mayTake))
    for (const { record, proof } of dead) {
      const before = JSON.stringify(record)
      // An ADD of the same owner that came meanwhile has another record.
      const isSame = (_: unknown, now: NodeState) =>
        JSON.stringify(recordOf(now, record.owner)) === before
      await sweep(engine, reclaimer, record.owner, isSame, proof)
    }
    return dead.length
  } catch (error) {
    engine.log.error('looking for dead attachments failed', { error: String(error) })
    return 0
  }
}

/** Whether a record is of the same pod, by its id or by its name. */
export function isSamePod(
  pod: PodIdentity | undefined,
  { pod: other }: ReadyRecord,
): boolean {
  if (!pod || !other) return false
  const isEqual = (key: keyof PodIdentity) =>
    pod[key] !== undefined && pod[key] === other[key]
  return isEqual('uid') || isEqual('name')
}

// A foreign IPAM takes back what the caller's own configuration leads to.
function isTaker(
  { owner, leases }: Reclaimer,
  { owner: other, ipam }: ReadyRecord,
): boolean {
  if (ipam !== leases.name) return false
  return leases.ofAllNetworks === true || other.network === owner.network
}

function isBeingTaken({ isRunning }: Pick<Host, 'isRunning'>, { taker }: ReadyRecord) {
  return taker !== undefined && isRunning(taker)
}

interface Dead {
  readonly record: ReadyRecord
  /** What proves it, for the log. */
  readonly proof: string
}

function findDead({ host, kernel }: Engine, records: readonly ReadyRecord[]): Dead[] {
  const plan = kernel.plan()
  const looked = records.flatMap((record) => {
    const { links, sandbox } = record
    if (links.host === undefined || !sandbox) return []
    const link = plan.link.read(links.host, { optional: true })
    return [{ record, sandbox, link, name: links.host }]
  })
  if (looked.length === 0) return []
  const done = plan.runSync()
  return looked.flatMap(({ record, sandbox, link, name }) => {
    const found = done.of(link) ? undefined : whatIsAt(host, sandbox)
    return found === undefined ? [] : [{ record, proof: `${name} is gone, and ${found}` }]
  })
}

/** What is at a namespace's path in its place; undefined when it may be there still. */
function whatIsAt(
  host: Pick<Host, 'open'>,
  sandbox: SandboxIdentity,
): string | undefined {
  const { path, dev, ino } = sandbox
  try {
    using there = host.open(path)
    const now = there.identity
    return now.dev === dev && now.ino === ino
      ? undefined
      : `${path} is another namespace than it was`
  } catch (error) {
    const isAbsent = error instanceof SyscallError && ABSENT.has(error.code)
    return isAbsent ? `there is no namespace ${path}` : undefined
  }
}

/** ESRCH and ENOENT: a process that has ended; EINVAL: a file that is no namespace any more. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ESRCH', 'EINVAL'])
