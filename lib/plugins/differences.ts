/**
 * What the doors of several plug-ins say alike.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { ownerTag, type Owner } from '../cni/spec/owner.js'
import type { Collected } from '../engine/gc.js'
import type { Problem } from '../engine/status.js'

/** Throws CniError Different when CHECK has found any difference. */
export function refuseDifferences(owner: Owner, differences: readonly string[]): void {
  if (differences.length === 0) return
  throw new CniError(
    CniCode.Different,
    `${ownerTag(owner)}: ${differences.join('; ')}`,
    'Call "vnet-cni repair" for what is of the host; a container whose own interface was changed ' +
      'must be attached anew.',
  )
}

/** Throws CniError NotCollected when GC could not take everything away. */
export function refuseFailures({ failures }: Pick<Collected, 'failures'>): void {
  if (failures.length === 0) return
  const each = failures.map(({ owner, error }) => `${ownerTag(owner)}: ${String(error)}`)
  throw new CniError(
    CniCode.NotCollected,
    `not all could be taken away: ${each.join('; ')}`,
    'GC may be repeated.',
  )
}

/** Throws CniError NotAvailable or LimitedConnectivity when STATUS has found a problem. */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  // The graver one: what is attached suffers too.
  const code = Math.max(...problems.map((problem) => problem.code))
  const cures = [...new Set(problems.map(({ cure }) => cure))]
  const message = problems.map((problem) => problem.message).join('; ')
  throw new CniError(code, message, cures.join(' '))
}
