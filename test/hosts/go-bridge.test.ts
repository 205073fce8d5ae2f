import { goBridge } from '../helpers/hosts/go-bridge.js'
import { tryHost } from './try-host.js'

tryHost(goBridge)
