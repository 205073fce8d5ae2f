import { AzureHost } from '../azure-host.js'
import { PrivateSpace } from '../private-space.js'
import { addPackages } from './debian.js'
import type { HostKind } from './host-kind.js'
import type { ReadyHost } from './matrix.js'
import { setSwitches } from './switches.js'

/** Builds a host of the zoo; it goes away with {@link AzureHost.destroy}. */
export async function buildHost(kind: HostKind): Promise<ReadyHost> {
  const host = await AzureHost.create(kind.options)
  try {
    // Addresses of links that are made later are there at once, so that pictures are comparable.
    await setSwitches(host, { 'net.ipv6.conf.default.accept_dad': 0 })
    const space = await PrivateSpace.create(host)
    if (kind.unpacked) await addPackages(space, kind.unpacked)
    const prepared = await kind.prepare(host, space)
    return { kind, host, space, prepared }
  } catch (error) {
    await host.destroy()
    throw error
  }
}
