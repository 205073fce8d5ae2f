import { hardened } from '../helpers/hosts/hardened.js'
import { tryHost } from './try-host.js'

tryHost(hardened)
