import { rulesFrom, rulesByLink } from '../helpers/hosts/routing.js'
import { tryHost } from './try-host.js'

tryHost(rulesFrom)
tryHost(rulesByLink)
