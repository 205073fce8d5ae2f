import { cloudInit, cloudInitTake } from './cloud-init.js'
import { dhclient } from './dhclient.js'
import { docker, dockerBridgeNetfilter } from './docker.js'
import { firewalld, firewalldZone } from './firewalld.js'
import { goBridge } from './go-bridge.js'
import { hardened } from './hardened.js'
import type { HostKind } from './host-kind.js'
import { changedMtu, largeMtu, smallMtu } from './mtu.js'
import { networkManager } from './network-manager.js'
import { networkd, networkdStatic } from './networkd.js'
import { nftables, nftablesByLink } from './nftables.js'
import { plain } from './plain.js'
import { podmanBridge } from './podman.js'
import { resolved, resolvedPort53 } from './resolved.js'
import { nextHops, rulesByLink, rulesFrom, staticArp } from './routing.js'
import { static32 } from './static32.js'
import { twoNics } from './two-nics.js'
import { ufw, ufwByLink } from './ufw.js'
import { virtualFunction } from './virtual-function.js'

/** All hosts of the zoo, in the table's order. */
export const HOSTS: readonly HostKind[] = [
  plain,
  ...[docker, dockerBridgeNetfilter, podmanBridge, goBridge],
  ...[twoNics, cloudInit, cloudInitTake],
  ...[networkManager, networkd, networkdStatic, dhclient, static32],
  ...[hardened, rulesFrom, rulesByLink, nextHops, staticArp],
  ...[nftables, nftablesByLink, ufw, ufwByLink, firewalld, firewalldZone],
  ...[resolved, resolvedPort53, virtualFunction],
  ...[smallMtu, largeMtu, changedMtu],
]
