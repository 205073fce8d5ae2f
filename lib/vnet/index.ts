export { chooseNic } from './choose-nic.js'
export {
  hostNics,
  lazyFacts,
  nicByMac,
  nicsWithAddresses,
  primaryNic,
  readFacts,
  type HostFacts,
  type KnownBridge,
  type NearFacts,
  type NicAddresses,
  readNics,
} from './facts.js'
export type { Finding } from './firewall/findings.js'
export {
  CLOUD_INIT,
  cureOfUse,
  forgetNeighbours,
  hostAddresses,
  readAddressesInUse,
} from './in-use.js'
export type {
  AttachPlan,
  BridgeLifetime,
  CheckPlan,
  DetachPlan,
  FoundPod,
  HostNetwork,
  LeasedAddress,
  Mode,
  ModeName,
  ModeSettings,
  NetworkSettings,
  NetworkWish,
  NodeView,
  PlannedPod,
  Pod,
  PodAddress,
  PodRoute,
} from './mode.js'
export { allModes, MODE_NAMES, modeOf } from './modes.js'
