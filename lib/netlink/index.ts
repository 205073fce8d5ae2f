export * from './objects/address.js'
export * from './objects/bridge-port.js'
export {
  ExecError,
  type ChildExit,
  type ChildStdio,
  type ExecOptions,
  type ExecResult,
  type NetNsChild,
  type SpawnOptions,
} from './child.js'
export * from './base/constants.js'
export * from './objects/fdb.js'
export * from './objects/kinds/index.js'
export * from './objects/link-verbs.js'
export * from './objects/link.js'
export * from './objects/link-spec.js'
export * from './base/namespace.js'
export { checkLinkName } from './base/check.js'
export * from './call.js'
export * from './ruleset.js'
export * from './monitor.js'
export * from './objects/neighbour.js'
export * from './netns.js'
export * from './objects/nsid.js'
export * from './plan.js'
export * from './base/prefix.js'
export * from './objects/route.js'
export * from './objects/route-verbs.js'
export * from './objects/rule.js'
export type * from './short.js'
export * from './base/steps.js'
export * from './objects/sysctl.js'
