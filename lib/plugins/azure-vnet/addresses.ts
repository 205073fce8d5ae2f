/**
 * Where a pod's address comes from: our own address management in this process, or another
 * plug-in as a program.
 */
import type { PluginCall } from '../../cni/plugin/plugin.js'
import { CniCode, CniError, internalError } from '../../cni/spec/errors.js'
import type { Owner } from '../../cni/spec/owner.js'
import type { CniDns } from '../../cni/spec/types.js'
import type { HostNic } from '../../ipam/index.js'
import { addressOf, parseCidr, parsePrefix } from '../../ip/index.js'
import { OWN_IPAM, type VnetConfig } from './config.js'

/** An address for a pod. */
export interface PodAddress {
  /** With prefix length. */
  readonly address: string
  readonly gateway: string
  /** Prefix of the pool or the address's own subnet. */
  readonly pool: string
  /** Name of the NIC that carries the pool; empty when only the subnet tells. */
  readonly nic: string
  readonly dns: CniDns | undefined
}

/** Gives an attachment its address and takes it back. */
export interface Addresses {
  /** `exclude` are addresses that the host turned out to use already. */
  acquire(nics: () => readonly HostNic[], exclude: readonly string[]): Promise<PodAddress>
  /** Takes the address of an owner (of this network) back. Repeats safely. */
  release(owner: Owner): Promise<void>
}

/** The addresses of a call, as its configuration wants them. */
export async function addressesFor(
  call: PluginCall,
  config: VnetConfig,
): Promise<Addresses> {
  return config.ipamType === OWN_IPAM
    ? ownAddresses(call, config)
    : delegated(call, config)
}

async function ownAddresses(call: PluginCall, config: VnetConfig): Promise<Addresses> {
  const { AddressService, AZURE_DNS } = await import('../../engine/leases.js')
  const { parseIpamConfig } = await import('../azure-vnet-ipam/config.js')
  // Before anything is written down; a DEL must not fail for a section that it does not use.
  const ipam = call.command === 'ADD' && parseIpamConfig(call.config, call.args)
  const service = new AddressService(
    call.host,
    call.log,
    ipam ? ipam.environment : undefined,
  )
  return {
    async acquire(nics, exclude) {
      if (!ipam) throw internalError(`an address was asked for by ${call.command}`)
      const nic = config.master
      const more = { exclude, ...(nic && { nic }) }
      const lease = await service.acquire(call.owner, ipam, nics(), more)
      return { ...lease, dns: { nameservers: [AZURE_DNS] } }
    },
    async release(owner) {
      await service.release(owner)
    },
  }
}

async function delegated(call: PluginCall, config: VnetConfig): Promise<Addresses> {
  const { delegate } = await import('../../cni/runtime/delegate.js')
  const { host, stderr } = call
  const how = { host, stderr }
  return {
    async acquire(_nics, exclude) {
      const result = await delegate(config.ipamType, 'ADD', call.config, {
        ...how,
        env: host.env,
      })
      const ip = result.ips?.find(({ address }) => parseCidr(address)?.family === 'ipv4')
      if (!ip) throw noAddress(config.ipamType)
      const address = addressOf(ip.address)
      if (exclude.includes(address)) throw taken(config.ipamType, address)
      const pool = parsePrefix(ip.address)!
      return {
        address: ip.address,
        // Azure's subnets have their gateway at the first host address.
        gateway: ip.gateway ?? pool.firstHost,
        pool: pool.cidr,
        nic: '',
        dns: result.dns,
      }
    },
    async release(owner) {
      const { containerId, ifname } = owner
      const env = { ...host.env, CNI_CONTAINERID: containerId, CNI_IFNAME: ifname }
      await delegate(config.ipamType, 'DEL', call.config, { ...how, env })
    },
  }
}

function noAddress(type: string): CniError {
  return new CniError(
    CniCode.DelegateFailed,
    `ipam.type: ${type} gave no IPv4 address`,
    'Bridge mode needs one; give the IPAM plug-in an IPv4 range.',
  )
}

function taken(type: string, address: string): CniError {
  return new CniError(
    CniCode.AddressUnavailable,
    `ipam.type: ${type} gave ${address}, which another pod of this node has`,
    'Look for two networks that give out one range.',
  )
}
