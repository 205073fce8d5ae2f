import { staticArp } from '../helpers/hosts/routing.js'
import { tryHost } from './try-host.js'

tryHost(staticArp)
