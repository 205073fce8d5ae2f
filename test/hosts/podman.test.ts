import { podmanBridge } from '../helpers/hosts/podman.js'
import { tryHost } from './try-host.js'

tryHost(podmanBridge)
