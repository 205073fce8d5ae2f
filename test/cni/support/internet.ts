/** A VM whose surroundings tell the address that a request came from. */
import type { Test } from 'tap'
import type { AzureHost } from '../../helpers/azure-host.js'
import { ADDRESS } from '../../helpers/fabric.js'
import { makeHost } from './setup.js'
import { fetchTcp, serve } from './traffic.js'

/** The node's table for masquerading. */
export const MASQUERADE_TABLE = 'azure_vnet_masquerade'

/** A VM whose surroundings tell the address that a request came from. */
export async function listeningHost(test: Test): Promise<AzureHost> {
  const host = await makeHost(test)
  for (const place of ['secondVm', 'peeredVm']) await serve(host, place, 8000)
  await serve(host, 'fabric', 8000, ADDRESS.internet)
  return host
}

/** The source address that each destination sees. */
export async function seenBy(
  host: AzureHost,
  pod: string,
): Promise<Record<string, string>> {
  const ask = async (address: string) =>
    (await fetchTcp(host, pod, `${address}:8000`)).split(' ').at(-1) ?? ''
  return {
    internet: await fetchTcp(host, pod, `${ADDRESS.internet}:80`),
    platform: await ask(ADDRESS.wireserver),
    secondVm: await ask(ADDRESS.secondVm),
    gateway: await ask(ADDRESS.gateway),
    peeredVm: await ask(ADDRESS.peeredVm),
  }
}

/** What `seenBy` answers when one address is seen by the Internet, another by all else. */
export function allSee(address: string, internet: string): Record<string, string> {
  const places = ['platform', 'secondVm', 'gateway', 'peeredVm']
  return { internet, ...Object.fromEntries(places.map((place) => [place, address])) }
}

/** What a server of a pod answers to a request from the Internet to the pod's own address. */
export async function fromInternet(host: AzureHost, address: string): Promise<string> {
  const from = ['-s', '-m', '2', '--interface', ADDRESS.internet]
  return (await host.execFabric('curl', [...from, `http://${address}/`])).stdout
}
