import { cloudInit, cloudInitTake } from './cloud-init.js'
import { docker, dockerBridgeNetfilter } from './docker.js'
import { goBridge } from './go-bridge.js'
import { hardened } from './hardened.js'
import type { HostKind } from './host-kind.js'
import { changedMtu, largeMtu, smallMtu } from './mtu.js'
import { plain } from './plain.js'
import { podmanBridge } from './podman.js'
import { nextHops, rulesByLink, rulesFrom, staticArp } from './routing.js'
import { twoNics } from './two-nics.js'

/** All hosts of the zoo, in the table's order. */
export const HOSTS: readonly HostKind[] = [
  plain,
  ...[docker, dockerBridgeNetfilter, podmanBridge, goBridge],
  ...[twoNics, cloudInit, cloudInitTake],
  ...[hardened, rulesFrom, rulesByLink, nextHops, staticArp],
  ...[smallMtu, largeMtu, changedMtu],
]
