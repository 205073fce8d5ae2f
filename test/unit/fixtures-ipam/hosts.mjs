// Hosts and what a source says about them.

export const nic = { name: 'eth0', index: 2, mac: '00:0d:3a:00:00:01' }
export const nic2 = { name: 'eth1', index: 3, mac: '00-0D-3A-00-00-02' }

/** An interface of one IPv4 /24 or larger; its first address is the primary one. */
export function interfaceOf(prefix, first, last, { mac = nic.mac, primary = true } = {}) {
  const base = prefix.split('/')[0].split('.').slice(0, 3).join('.')
  const addresses = []
  for (let i = first; i <= last; i++) {
    addresses.push({ address: `${base}.${i}`, primary: i === first })
  }
  return { mac, primary, subnets: [{ prefix, addresses }] }
}

/** A source that gives the answers of a list in turn, the last one for ever. */
export function sourceOf(...answers) {
  const source = {
    kind: 'fake',
    fetches: 0,
    async fetch() {
      const answer = answers[Math.min(source.fetches, answers.length - 1)]
      source.fetches++
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  return source
}
