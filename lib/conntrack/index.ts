/**
 * Flows that the kernel remembers.
 */
export {
  type IcmpSide,
  type BothSides,
  type FlowSide,
  type TcpState,
  type FlowStatus,
  type FlowCounters,
  type ConntrackEntry,
  type SequenceShift,
  type ConntrackKey,
} from './entry.js'
export { ConntrackVerbs } from './verbs.js'
export type { ConntrackFilter, SideFilter } from './filter.js'
