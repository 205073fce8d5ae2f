import { smallMtu, largeMtu } from '../helpers/hosts/mtu.js'
import { tryHost } from './try-host.js'

tryHost(smallMtu)
tryHost(largeMtu)
