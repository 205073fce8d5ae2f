import { docker, dockerBridgeNetfilter } from '../helpers/hosts/docker.js'
import { tryHost } from './try-host.js'

tryHost(docker)
tryHost(dockerBridgeNetfilter)
