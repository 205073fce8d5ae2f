/**
 * Steps that put routes in their places in the routing tables, with others' there or not.
 */
import {
  appendStep,
  removeStep,
  replaceStep,
  type Plan,
  type Route,
} from '../../netlink/index.js'
import { placeOf, type MoveFacts } from './host-move.js'

/**
 * The places in routing tables that have more than one route, of the same prefix, table and priority:
 * by another NIC, or by NIC and bridge both, where a manager gave the NIC its own again. The kernel
 * takes the first for the one to replace, and refuses when the new one is there (fib_table_insert).
 */
export function sharedPlaces({ routes }: Pick<MoveFacts, 'routes'>): Set<string> {
  const seen = new Set<string>()
  const shared = new Set<string>()
  for (const place of routes.map(placeOf)) {
    if (seen.has(place)) shared.add(place)
    seen.add(place)
  }
  return shared
}

/** Whether a route's place has others. */
export const isShared = (route: Route, shared: ReadonlySet<string>) =>
  shared.has(placeOf(route))

/** A step in the addon's terms. */
export interface Request {
  readonly op: string
  readonly args: ReturnType<typeof replaceStep>['args']
  readonly flags?: number
  readonly accept?: number[]
}

/** The requests that put a route back to where it was. */
export function putBack(
  there: Route,
  here: Route,
  shared: ReadonlySet<string>,
): Request[] {
  if (!isShared(here, shared)) return [replaceStep(here)]
  return [appendStep(here), removeStep(there)]
}

/** Puts a route in its place, or beside the others there. */
export function put(
  plan: Plan,
  route: Route,
  shared: ReadonlySet<string>,
  undo: readonly Request[] = [],
): void {
  const request: Request = isShared(route, shared)
    ? appendStep(route)
    : replaceStep(route)
  const { op, args, ...rest } = request
  plan.raw(op, args, { ...rest, undo: [...undo] })
}

/** Takes a route away, if it is there. */
export function remove(plan: Plan, route: Route): void {
  const { op, args, accept } = removeStep(route)
  plan.raw(op, args, { accept })
}
