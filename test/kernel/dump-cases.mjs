// A table for each object that can be dumped: how to fill it, what comes and goes meanwhile, and how
// to read the names of what is there. Used by dumps.test.ts and, in a worker, by dump-churn.mjs.
import { raw } from './dump-raw.mjs'
import { nft } from './dump-cases-nft.mjs'

const count = (n) => Array.from({ length: n }, (_, i) => i)
const hex = (i) => i.toString(16)
const CREATE = { flags: 0x400 }

const bridge = (p, name = 'base') => p.link.add({ kind: 'bridge', name, up: true })
// One side of a flow, the other being its reply.
const side = (source, destination) => ({
  ip: { source, destination },
  proto: { number: 17, sourcePort: 1000, destinationPort: 2000 },
})
const flow = (address) => ({
  family: 2,
  original: side(address, '10.255.0.1'),
  reply: side('10.255.0.1', address),
  timeout: 600,
})

// `steady` entries stay, whose names begin with `prefix`. `change(p, there)` puts something before
// them in the kernel's order (or anywhere, where there is none), or takes it away.
const fdb = {
  object: 'neighbour',
  steady: 1000,
  prefix: '02:00:00:00:',
  fill: (p) => {
    const master = bridge(p)
    const [link] = p.link.addVeth({ name: 'v0', master, up: true }, { name: 'v1' })
    const mac = (i) =>
      `02:00:00:00:${hex(256 + (i >> 8)).slice(1)}:${hex(256 + (i & 255)).slice(1)}`
    for (const i of count(1000)) p.fdb.add({ link, mac: mac(i), state: 'static' })
  },
  change: (p, there) => {
    const entry = { link: 'v0', mac: '02:00:00:01:00:01', state: 'static' }
    p.fdb[there ? 'add' : 'del'](entry)
  },
  ...raw('neighbour', { family: 7 }, (e) => e.mac),
}

export const cases = {
  links: {
    object: 'link',
    steady: 60,
    prefix: 'steady',
    fill: (p) =>
      count(60).forEach((i) => p.link.add({ kind: 'bridge', name: `steady${i}` })),
    change: (p, there) => (there ? bridge(p, 'churn') : p.link.del('churn')),
    ...raw('link', {}, (e) => e.name),
  },
  ports: {
    object: 'bridgePort',
    steady: 150,
    prefix: 'p',
    fill: (p) => {
      p.link.addVeth({ name: 'first' }, { name: 'other' })
      const master = bridge(p)
      for (const i of count(150))
        p.link.addVeth({ name: `p${i}`, master }, { name: `q${i}` })
    },
    change: (p, there) => p.link.set('first', { master: there ? 'base' : 0 }),
    ...raw('bridgePort', { family: 7 }, (e) => e.name),
  },
  addresses: {
    object: 'address',
    steady: 1000,
    prefix: 'fd00::1:',
    fill: (p) => {
      const link = bridge(p)
      for (const i of count(1000)) {
        const address = `fd00::1:${hex(i + 1)}/128`
        p.address.add({ link, address, nodad: true, noPrefixRoute: true })
      }
    },
    change: (p, there) =>
      p.address[there ? 'add' : 'del']({
        link: 'base',
        address: 'fd00::2:1/128',
        nodad: true,
      }),
    ...raw('address', { family: 10 }, (e) => e.address ?? ''),
  },
  'IPv6 routes': {
    object: 'route',
    steady: 1000,
    prefix: 'fd00:1:',
    fill: (p) => {
      const link = bridge(p)
      for (const i of count(1000)) p.route.add({ to: `fd00:1:${hex(i + 1)}::/64`, link })
    },
    change: (p, there) =>
      p.route[there ? 'add' : 'del']({ to: 'fd00:0:1::/64', link: 'base' }),
    ...raw('route', { family: 10, table: 254 }, (e) => e.to ?? ''),
  },
  'IPv4 routes': {
    object: 'route',
    steady: 1500,
    prefix: '10.1.',
    fill: (p) => {
      const link = bridge(p)
      for (const i of count(1500))
        p.route.add({ to: `10.1.${i >> 8}.${i & 255}/32`, link })
    },
    change: (p, there) =>
      p.route[there ? 'add' : 'del']({ to: '10.0.0.1/32', link: 'base' }),
    ...raw('route', { family: 2, table: 254 }, (e) => e.to ?? ''),
  },
  'IPv4 routes of one prefix': {
    object: 'route',
    steady: 1500,
    prefix: '10.1.0.0 ',
    fill: (p) => {
      const link = bridge(p)
      for (const i of count(1500))
        p.route.add({ to: '10.1.0.0/24', link, priority: 10 + i })
    },
    change: (p, there) =>
      p.route[there ? 'add' : 'del']({ to: '10.1.0.0/24', link: 'base', priority: 5 }),
    dump: (p) => p.raw('route.dump', { family: 2, table: 254 }),
    names: (entries) =>
      entries.filter((e) => e.priority >= 10).map((e) => `${e.to} ${e.priority}`),
  },
  neighbours: {
    object: 'neighbour',
    steady: 1000,
    prefix: '10.1.',
    fill: (p) => {
      const link = bridge(p)
      const mac = '02:00:00:00:00:01'
      for (const i of count(1000)) {
        p.neighbour.add({ link, address: `10.1.${i >> 8}.${i & 255}`, mac })
      }
    },
    change: (p, there) =>
      p.neighbour[there ? 'replace' : 'del']({
        link: 'base',
        address: '10.2.0.1',
        ...(there && { mac: '02:00:00:00:00:02' }),
      }),
    ...raw('neighbour', { family: 2 }, (e) => e.address ?? ''),
  },
  'forwarding tables': fdb,
  rules: {
    object: 'rule',
    steady: 1000,
    prefix: 'steady ',
    fill: (p) => {
      for (const i of count(1000))
        p.rule.add({ family: 'ipv4', priority: 10 + i, table: 1000 })
    },
    change: (p, there) =>
      p.rule[there ? 'add' : 'del']({ family: 'ipv4', priority: 1, table: 7 }),
    ...raw(
      'rule',
      { family: 2 },
      (e) => `${e.table === 1000 ? 'steady' : ''} ${e.priority}`,
    ),
  },
  'numbers of namespaces': {
    object: 'nsid',
    // A thousand namespaces would be needed for a second datagram.
    steady: 8,
    prefix: '1',
    namespaces: 9,
    fill: (p, others) => others.slice(1).forEach((ns, i) => p.nsid.set(ns, 100 + i)),
    change: (p, there, others) => there && p.nsid.set(others[0], 5),
    once: true,
    ...raw('nsid', {}, (e) => String(e.nsid)),
  },
  ...nft,
  flows: {
    object: 'conntrack',
    steady: 500,
    prefix: '10.1.',
    // The kernel goes on after the last flow that it told; when that is gone, it tells the rest of
    // its bucket again (nf_conntrack_netlink.c, ctnetlink_dump_table).
    mayRepeat: true,
    fill: (p) => {
      for (const i of count(500))
        p.raw('conntrack.new', flow(`10.1.${i >> 8}.${i & 255}`), CREATE)
    },
    change: (p, there) =>
      p.raw(`conntrack.${there ? 'new' : 'del'}`, flow('10.2.0.1'), CREATE),
    ...raw('conntrack', { family: 2 }, (e) => e.original.ip.source),
  },
  'generic families': {
    object: 'genl.family',
    steady: 1,
    prefix: 'nlctrl',
    fill: () => {},
    change: (p, there) => (there ? bridge(p, 'churn') : p.link.del('churn')),
    ...raw('genl.family', {}, (e) => e.name),
  },
}
