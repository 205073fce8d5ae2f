/**
 * ADD and DEL of portmap.
 */
import { ConfigReader } from '../../cni/spec/config.js'
import { CniCode, CniError } from '../../cni/spec/errors.js'
import { ownerTag } from '../../cni/spec/owner.js'
import type { PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { addressOf, parseCidr } from '../../ip/index.js'
import { mark } from '../../trace.js'
import { parseMappings, type Mapping } from '../../portmap/mapping.js'

interface PortmapConfig {
  readonly mappings: readonly Mapping[]
  readonly snat: boolean
}

function parseConfig(call: PluginCall): PortmapConfig {
  const reader = new ConfigReader(call.config)
  const runtime = reader.optionalObject('runtimeConfig')
  return {
    snat: reader.optionalBoolean('snat') ?? true,
    mappings: parseMappings(runtime?.json['portMappings']),
  }
}

/** Maps the ports and passes the result of the plug-in before on. */
export async function add(call: PluginCall): Promise<CniResult> {
  mark('modules')
  const { mappings, snat } = parseConfig(call)
  const { prevResult } = call
  if (!prevResult) {
    throw new CniError(
      CniCode.InvalidConfig,
      'prevResult is missing: portmap must come after the plug-in that gives the address',
      'Put portmap behind the main plug-in in the "plugins" list.',
    )
  }
  if (mappings.length === 0) return prevResult
  const pod = podAddress(call, prevResult)
  const { addPorts } = await kernelSide()
  addPorts(call.host.current(), { mappings, snat, pod, tag: ownerTag(call.owner) })
  mark('kernel')
  call.log.info('ports mapped', { pod, mappings })
  return prevResult
}

/** Takes the ports back; needs nothing but the owner. */
export async function del(call: PluginCall): Promise<void> {
  const { removePorts } = await kernelSide()
  mark('modules')
  removePorts(call.host.current(), ownerTag(call.owner))
  mark('kernel')
}

// Most ADDs have no ports: they must not pay for the code that talks to the kernel.
function kernelSide() {
  return import('../../portmap/portmap.js')
}

// The first IPv4 address that sits on the interface of this call inside the container.
function podAddress(call: PluginCall, result: CniResult): string {
  const inside = (index: number | undefined) => {
    if (index === undefined) return true
    const link = result.interfaces?.[index]
    return link?.name === call.ifname && Boolean(link.sandbox)
  }
  const ip = result.ips?.find(
    (one) => parseCidr(one.address)?.family === 'ipv4' && inside(one.interface),
  )
  if (ip) return addressOf(ip.address)
  throw new CniError(
    CniCode.InvalidConfig,
    `prevResult.ips: no IPv4 address on ${call.ifname} of the container`,
    'Host ports need one; look at the plug-in before portmap.',
  )
}
