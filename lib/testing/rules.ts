/**
 * Rules of policy routing and next hop objects of the fake kernel: they are kept and told, and
 * decide nothing.
 */
import { NLM_F } from '../netlink/base/constants.js'
import { E, refuse, type FakeNamespace, type Fields } from './model.js'

function fits(rule: Fields, wanted: Fields): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => value === undefined || rule[key] === value,
  )
}

/** Adds a rule behind those of its priority. EEXIST for one that is there (fib_nl_newrule). */
export function newRule(ns: FakeNamespace, args: Fields): void {
  if (ns.rules.some((rule) => fits(rule, args))) refuse(E.EEXIST)
  ns.rules.push({ ...args })
  ns.rules.sort((a, b) => (a['priority'] ?? 0) - (b['priority'] ?? 0))
}

/** Deletes the first rule that fits. ENOENT when none does. */
export function delRule(ns: FakeNamespace, args: Fields): void {
  const at = ns.rules.findIndex((rule) => fits(rule, args))
  if (at < 0) refuse(E.ENOENT)
  ns.rules.splice(at, 1)
}

/** Adds a next hop, or puts it in the place of the one with its number (rtm_new_nexthop). */
export function newNextHop(ns: FakeNamespace, args: Fields, flags: number): void {
  const at = ns.nextHops.findIndex(({ id }) => id === args['id'])
  if (at >= 0 && flags & NLM_F.excl) refuse(E.EEXIST)
  const made = { scope: 0, ...args }
  if (at >= 0) ns.nextHops.splice(at, 1, made)
  else ns.nextHops.push(made)
}

/** Deletes a next hop. ENOENT when there is none of that number. */
export function delNextHop(ns: FakeNamespace, args: Fields): void {
  const at = ns.nextHops.findIndex(({ id }) => id === args['id'])
  if (at < 0) refuse(E.ENOENT)
  ns.nextHops.splice(at, 1)
}
