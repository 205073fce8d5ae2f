/**
 * ADD and DEL of portmap.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { CniCode, CniError } from '../../cni/spec/errors.js'
import { ipsOn, requirePrevResult } from '../../cni/spec/prev-result.js'
import type { CniResult } from '../../cni/spec/types.js'
import { addressOf, parseCidr } from '../../ip/index.js'
import { mark } from '../../trace.js'
import { readConfig } from './config.js'

/** Maps the ports and passes the result of the plug-in before on. */
export async function add(call: PluginCall): Promise<CniResult> {
  mark('modules')
  const { mappings, snat } = readConfig(call)
  const prevResult = requirePrevResult(
    call,
    'portmap must come after the plug-in that gives the address',
    'Put portmap behind the main plug-in in the "plugins" list.',
  )
  // Most ADDs have no ports: they must not pay for the code that talks to the kernel.
  if (mappings.length === 0) return prevResult
  const pod = podAddress(call, prevResult)
  const { engineOf, mapPorts } = await engineSide()
  await mapPorts(engineOf(call.host, call.log), call.owner, { pod, mappings, snat })
  mark('kernel')
  call.log.info('ports mapped', { pod, mappings })
  return prevResult
}

/** Takes the ports back; needs nothing but the owner. */
export async function del(call: PluginCall): Promise<void> {
  const { engineOf, unmapPorts } = await engineSide()
  mark('modules')
  await unmapPorts(engineOf(call.host, call.log), call.owner)
  mark('kernel')
}

async function engineSide() {
  const [{ engineOf }, { mapPorts, unmapPorts }] = await Promise.all([
    import('../../engine/engine.js'),
    import('../../engine/ports.js'),
  ])
  return { engineOf, mapPorts, unmapPorts }
}

/** The container's IPv4 address: the first one that is not known to be of another interface. */
export function podAddress({ ifname }: PluginCall, result: CniResult): string {
  const [ip] = ipsOn(result, ifname).filter(
    ({ address }) => parseCidr(address)?.family === 'ipv4',
  )
  if (ip) return addressOf(ip.address)
  throw new CniError(
    CniCode.InvalidConfig,
    `prevResult.ips: no IPv4 address on ${ifname} of the container`,
    'Host ports need one; look at the plug-in before portmap.',
  )
}
