import type { AzureHost } from '../azure-host.js'
import { readState } from '../snapshot.js'

/** The address manager's document, as far as it is shown. */
interface IpamDocument {
  interfaces: { subnets: { prefix: string; addresses: { primary: boolean }[] }[] }[]
  leases: { address: string; owner: { containerId: string; ifname: string } }[]
}

function readDocument(host: AzureHost): IpamDocument | undefined {
  const file = readState(host.stateDir)['ipam.json'] as { data?: unknown } | undefined
  return file?.data as IpamDocument | undefined
}

/** Addresses that are leased at this moment; `undefined` when nothing was ever recorded. */
export function leasedAddresses(host: AzureHost): string[] | undefined {
  return readDocument(host)?.leases.map((lease) => lease.address)
}

/** The pools that the VM knows of and who has which address, as lines for people. */
export function showLeases(host: AzureHost): string[] {
  const document = readDocument(host)
  if (!document) return ['  no leases on record']
  const pools = document.interfaces.flatMap((nic) => nic.subnets)
  return [
    ...pools.map(({ prefix, addresses }) => {
      const count = addresses.filter((address) => !address.primary).length
      return `  pool ${prefix}: ${count} addresses, ${document.leases.length} leased`
    }),
    ...document.leases.map(
      ({ address, owner }) => `    ${address}  ${owner.containerId} ${owner.ifname}`,
    ),
  ]
}
