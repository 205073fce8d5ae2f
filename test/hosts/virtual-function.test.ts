import { virtualFunction } from '../helpers/hosts/virtual-function.js'
import { tryHost } from './try-host.js'

tryHost(virtualFunction)
