/**
 * Reading single things of the ruleset in a plan.
 */
import { ERRNO } from '../netlink/base/constants.js'
import { StepRef } from '../netlink/base/steps.js'
import type { TableRef } from './defs.js'
import { elementsFromWire, type ElementInfo } from './element.js'
import { inSet, tableArgs } from './refs.js'
import type { SetDef } from './set-def.js'

interface PlanScope {
  raw(op: string, args: object, options?: object): StepRef<unknown>
}

/** Reads the elements of a set in a plan; empty when the set or its table is not there. */
export function dumpElements(scope: PlanScope, set: SetDef): StepRef<ElementInfo[]> {
  const { step } = scope.raw('nft.elements.dump', inSet(set), { accept: [ERRNO.ENOENT] })
  return new StepRef(step, (wire) => elementsFromWire(set, wire))
}

/** Reads the generation of the ruleset in a plan. */
export function readGeneration(scope: PlanScope): StepRef<number> {
  const { step } = scope.raw('nft.generation.get', {})
  return new StepRef(step, (wire) => (wire as { id: number }).id)
}

/** Looks whether a table exists. */
export function tableExists(scope: PlanScope, table: TableRef): StepRef<boolean> {
  const { step } = scope.raw('nft.table.get', tableArgs(table), {
    accept: [ERRNO.ENOENT],
  })
  return new StepRef(step, (wire) => wire !== undefined)
}
