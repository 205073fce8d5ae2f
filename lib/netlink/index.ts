export * from './address.js'
export * from './bridge-port.js'
export {
  ExecError,
  type ChildExit,
  type ChildStdio,
  type ExecOptions,
  type ExecResult,
  type NetNsChild,
  type SpawnOptions,
} from './child.js'
export * from './constants.js'
export * from './fdb.js'
export * from './kinds/index.js'
export * from './link-verbs.js'
export * from './link.js'
export * from './monitor.js'
export * from './neighbour.js'
export * from './netns.js'
export * from './nsid.js'
export * from './plan.js'
export * from './prefix.js'
export * from './route.js'
export * from './rule.js'
export type * from './short.js'
export * from './steps.js'
export * from './sysctl.js'
