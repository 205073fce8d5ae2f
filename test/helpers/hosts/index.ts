import { docker, dockerBridgeNetfilter } from './docker.js'
import { goBridge } from './go-bridge.js'
import type { HostKind } from './host-kind.js'
import { plain } from './plain.js'
import { podmanBridge } from './podman.js'

/** All hosts of the zoo, in the table's order. */
export const HOSTS: readonly HostKind[] = [
  plain,
  docker,
  dockerBridgeNetfilter,
  podmanBridge,
  goBridge,
]
