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
