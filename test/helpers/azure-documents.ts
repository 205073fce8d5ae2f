/** What the platform's documents say about one network interface. */
export interface NicFacts {
  /** With colons, as the kernel shows it. */
  mac: string
  /** The subnet in CIDR form. */
  prefix: string
  primary: string
  secondaries: readonly string[]
}

/** The platform writes MAC addresses as 12 upper-case hex digits. */
export function platformMac(mac: string): string {
  return mac.replaceAll(':', '').toUpperCase()
}

/** The wireserver's interface document (`getinterfaceinfov1`). */
export function wireserverXml(nics: readonly NicFacts[]): string {
  const interfaces = nics.map((nic, index) => {
    const addresses = [nic.primary, ...nic.secondaries].map(
      (address) =>
        `      <IPAddress Address="${address}" IsPrimary="${address === nic.primary}"/>`,
    )
    return [
      `  <Interface MacAddress="${platformMac(nic.mac)}" IsPrimary="${index === 0}">`,
      `    <IPSubnet Prefix="${nic.prefix}">`,
      ...addresses,
      '    </IPSubnet>',
      '  </Interface>',
    ].join('\n')
  })
  return `<Interfaces>\n${interfaces.join('\n')}\n</Interfaces>\n`
}

/** The instance metadata service's network document; it marks no address as primary. */
export function imdsJson(nics: readonly NicFacts[]): string {
  const interfaces = nics.map((nic) => {
    const [address = '', prefix = ''] = nic.prefix.split('/')
    const all = [nic.primary, ...nic.secondaries]
    return {
      ipv4: {
        ipAddress: all.map((privateIpAddress) => ({
          privateIpAddress,
          publicIpAddress: '',
        })),
        subnet: [{ address, prefix }],
      },
      ipv6: { ipAddress: [] },
      macAddress: platformMac(nic.mac),
    }
  })
  return JSON.stringify({ interface: interfaces })
}

const NO_TIME = '0001-01-01T00:00:00Z'

/**
 * The state file of Azure's azure-vnet (`network/manager.go` in azure-container-networking): addresses
 * by the id of their endpoint.
 */
export function azureNetworkState(endpoints: Record<string, readonly string[]>): string {
  const all = Object.entries(endpoints).map(([Id, addresses]) => {
    const IPAddresses = addresses.map((IP) => ({ IP, Mask: '////AA==' }))
    return [Id, { Id, IfName: 'eth0', HostIfName: `azv${Id}`, IPAddresses }]
  })
  const network = { Id: 'azure', Mode: 'bridge', Endpoints: Object.fromEntries(all) }
  const nic = { Name: 'eth0', BridgeName: 'azure0', Networks: { azure: network } }
  const Network = {
    Version: 'v1.4.20',
    TimeStamp: NO_TIME,
    ExternalInterfaces: { eth0: nic },
  }
  return JSON.stringify({ Network })
}

/** The state file of Azure's azure-vnet-ipam (`ipam/manager.go`): addresses, and whether in use. */
export function azureIpamState(addresses: Record<string, boolean>): string {
  const all = Object.entries(addresses).map(([Addr, InUse]) => [
    Addr,
    { ID: '', Addr, InUse },
  ])
  const Id = '10.0.0.0/24'
  const pool = { Id, IfName: 'eth0', Addresses: Object.fromEntries(all), RefCount: 1 }
  const AddressSpaces = { local: { Id: 'local', Scope: 0, Pools: { [Id]: pool } } }
  return JSON.stringify({
    IPAM: { Version: 'v1.4.20', TimeStamp: NO_TIME, AddressSpaces },
  })
}
