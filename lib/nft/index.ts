/**
 * The ruleset of nftables: what it is made of, and the transactions that change it.
 */
export { shift, byteorder, numgen, hash } from './expr/compute.js'
export {
  immediate,
  storeFrom,
  store,
  loadKey,
  ofProtocol,
  type Expr,
  type FieldDef,
  type Protocol,
} from './expr/core.js'
export {
  payload,
  ctOf,
  fib,
  rt,
  socket,
  ifname,
  hostOrder,
  field,
  ctState,
  type Checksum,
} from './expr/fields.js'
export {
  compare,
  eq,
  neq,
  between,
  mask,
  bits,
  maskedEq,
  inPrefix,
} from './expr/match.js'
export {
  snat,
  dnat,
  dnatFromMap,
  masquerade,
  masqueradeTo,
  redirect,
  tproxy,
  type NatFlag,
  type NatTarget,
} from './expr/nat.js'
export {
  inSet,
  mapLookup,
  verdictMap,
  objectMap,
  dynset,
  type DynamicOptions,
  type SetLike,
} from './expr/sets.js'
export {
  exprData,
  type DataShape,
  type Attributes,
  type ExprShapes,
} from './expr/shapes.js'
export { counter, limit, quota, connlimit, last, objectRef } from './expr/stateful.js'
export {
  verdict,
  reject,
  log,
  queue,
  notrack,
  dup,
  forward,
  type LogOptions,
  type RejectOptions,
} from './expr/statements.js'
export {
  objectTypes,
  type ObjectType,
  type CounterState,
  type QuotaDef,
  type LimitDef,
  type ObjectRef,
  type ObjectDef,
  type ObjectData,
  type ObjectInfo,
} from './object.js'
export {
  NftVerbs,
  type RulesetFilter,
  type CommitOptions,
  type Made,
  type CommitResult,
} from './ruleset.js'
export { type SetContents, type Ruleset } from './ruleset-info.js'
export { type SetInfo } from './set.js'
export { type SetElement, type ElementInfo } from './element.js'
export { type SetRef, type SetDef, type SetNumbers } from './set-def.js'
export { type ElementKey } from './refs.js'
export {
  type ChangedElement,
  type ElementsChange,
  type GenerationInfo,
  type NftChange,
  type NftChangeOf,
} from './events.js'
export { Transaction } from './transaction.js'
export {
  type TableRef,
  type TableDef,
  type TableInfo,
  type ChainRef,
  type ChainDef,
  type ChainInfo,
  type RuleCompat,
  type RuleDef,
  type RuleRef,
  type RuleInfo,
} from './defs.js'
export {
  encodeValue,
  decodeValue,
  ipProtocols,
  type DataValue,
  type DataTypeName,
} from './types.js'
export {
  nftFamilies,
  type NftFamily,
  type NftHook,
  type PriorityName,
} from './families.js'
export { type Jump, type Goto, type Verdict, type WireVerdict } from './verdict.js'
