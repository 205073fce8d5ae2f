/**
 * Steps that put routes in their places in the routing tables, with others' there or not.
 */
import {
  appendStep,
  removeStep,
  replaceStep,
  type LinkLike,
  type Plan,
  type Route,
} from '../../netlink/index.js'
import { placeOf, uses, type HostMove, type MoveFacts } from './host-move.js'

/**
 * The places in routing tables where another link has a route too, of the same prefix, table and
 * priority: the kernel may take that for the one to replace (fib_table_insert takes the first). So
 * may it where the NIC has two.
 */
export function sharedPlaces(
  move: HostMove,
  { routes }: Pick<MoveFacts, 'routes'>,
  homes: readonly LinkLike[],
): Set<string> {
  const own = new Set(homes.filter((home) => typeof home === 'number'))
  const taken = routes.filter((r) => !uses(r, own)).map(placeOf)
  const seen = new Set(taken)
  const shared = new Set<string>()
  for (const route of move.routes) {
    const place = placeOf(route)
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
