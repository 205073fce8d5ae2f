import { docker, dockerBridgeNetfilter } from './docker.js'
import type { HostKind } from './host-kind.js'
import { plain } from './plain.js'

/** All hosts of the zoo, in the table's order. */
export const HOSTS: readonly HostKind[] = [plain, docker, dockerBridgeNetfilter]
