import { plain } from '../helpers/hosts/plain.js'
import { tryHost } from './try-host.js'

tryHost(plain)
