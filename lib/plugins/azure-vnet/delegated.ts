/**
 * Addresses of another IPAM plug-in, which is a program of its own.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { delegate } from '../../cni/runtime/delegate.js'
import { isObject } from '../../cni/spec/config.js'
import { CniCode, CniError } from '../../cni/spec/errors.js'
import type { Owner } from '../../cni/spec/owner.js'
import type { CniResult } from '../../cni/spec/types.js'
import type { Leased, Leases, LeaseWish } from '../../engine/engine.js'
import { addressOf, parseCidr, parsePrefix } from '../../ip/index.js'
import { firstFew } from '../../ipam/no-address.js'
import { CLOUD_INIT, type PodRoute } from '../../vnet/index.js'
import { OWN_IPAM } from './config.js'

/** The addresses that an IPAM plug-in of this type gives. */
export function delegated(call: PluginCall, type: string): Leases {
  const { host, stderr } = call
  if (isObject(call.config['ipam']) && 'hostAddresses' in call.config['ipam']) {
    call.log.warn(
      `ipam.hostAddresses has no effect: it is for ipam.type ${OWN_IPAM} alone`,
    )
  }
  const ask = async (): Promise<Leased> => {
    const how = { host, stderr, env: host.env }
    const result = await delegate(type, 'ADD', call.config, how)
    const ip = result.ips?.find(({ address }) => parseCidr(address)?.family === 'ipv4')
    if (!ip) throw noAddress(type)
    const pool = parsePrefix(ip.address)!
    // Azure's subnets have their gateway at the first host address.
    const gateway = ip.gateway ?? pool.firstHost
    const lease = { address: ip.address, gateway, pool: pool.cidr, nic: '' }
    const routes = routesOf(call, type, result, lease)
    return { addresses: [lease], dns: result.dns, routes }
  }
  const release = async (owner: Owner) => {
    await delegate(type, 'DEL', call.config, { host, stderr, env: envFor(call, owner) })
  }
  return {
    name: type,
    acquire: (wish) => askUntilFree(call, type, { ask, release, wish }),
    release,
  }
}

/** As many addresses that cannot be used are given back for others. */
const DELEGATE_TRIES = 256

interface Asking {
  readonly ask: () => Promise<Leased>
  readonly release: (owner: Owner) => Promise<void>
  readonly wish: LeaseWish
}

/**
 * Another plug-in cannot be told which addresses are in use on this host. So one that is goes back,
 * and it is asked again: what gives addresses in turn comes to a free one.
 */
async function askUntilFree(
  call: PluginCall,
  type: string,
  { ask, release, wish }: Asking,
): Promise<Leased> {
  const passedOver = new Map<string, string>()
  for (;;) {
    const leased = await ask()
    const address = addressOf(leased.addresses[0]!.address)
    const reason = wish.exclude.includes(address)
      ? 'another pod of this node has it'
      : wish.occupied().get(address)
    if (reason === undefined) {
      const named = firstFew([...passedOver].map(([one, why]) => `${one} (${why})`))
      if (named) call.log.warn(`addresses of ${type} in use here are not given: ${named}`)
      return leased
    }
    if (passedOver.has(address) || passedOver.size >= DELEGATE_TRIES) {
      throw noneFree(type, passedOver)
    }
    passedOver.set(address, reason)
    await release(call.owner)
  }
}

function envFor({ host }: PluginCall, { containerId, ifname }: Owner) {
  return { ...host.env, CNI_CONTAINERID: containerId, CNI_IFNAME: ifname }
}

/** Its routes but for the default one, which a pod has anyway; one without a gateway has the pod's. */
function routesOf(
  { log }: PluginCall,
  type: string,
  { routes = [] }: CniResult,
  { address, gateway }: { address: string; gateway: string },
): PodRoute[] {
  const subnet = parsePrefix(address)!
  return routes.flatMap(({ dst, gw = gateway }) => {
    const prefix = parsePrefix(dst)
    const isDefault = prefix?.length === 0
    if (isDefault && gw === gateway) return []
    if (!isDefault && prefix?.family === subnet.family && subnet.contains(gw)) {
      return [{ dst: prefix.cidr, gw }]
    }
    log.warn(`ipam.type ${type}: the route to ${dst} by ${gw} is left out`, {
      reason: isDefault
        ? `the default route is by ${gateway}`
        : `a route needs a prefix and a gateway in ${subnet.cidr}`,
    })
    return []
  })
}

function noAddress(type: string): CniError {
  return new CniError(
    CniCode.DelegateFailed,
    `ipam.type: ${type} gave no IPv4 address`,
    'Bridge mode needs one; give the IPAM plug-in an IPv4 range.',
  )
}

function noneFree(type: string, passedOver: ReadonlyMap<string, string>): CniError {
  const named = firstFew([...passedOver].map(([address, why]) => `${address} (${why})`))
  return new CniError(
    CniCode.AddressUnavailable,
    `ipam.type: ${type} gave nothing that is free on this host: ${named}`,
    `Leave those addresses out of its range, or take them off the host (${CLOUD_INIT}).`,
  )
}
