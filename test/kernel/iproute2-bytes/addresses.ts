/** Addresses, routes, neighbours and rules, as `ip` and as verbs; indices as in links.ts. */
import type { Case } from './case.js'

const MAC = '02:00:00:00:00:07'

const addresses: Case[] = [
  {
    line: 'address add 10.0.0.5/24 dev br0',
    make: (p) => p.address.add({ link: 10, address: '10.0.0.5/24' }),
  },
  {
    line: 'address add 10.0.1.5 peer 10.0.1.6/32 broadcast 10.0.1.255 scope link label br0:x dev br0 metric 50 noprefixroute',
    make: (p) =>
      p.address.add({
        link: 10,
        address: '10.0.1.5/32',
        peer: '10.0.1.6',
        broadcast: '10.0.1.255',
        scope: 'link',
        label: 'br0:x',
        metric: 50,
        noPrefixRoute: true,
      }),
  },
  {
    line: 'address add fd00::5/64 dev br0 nodad valid_lft 600 preferred_lft 300',
    make: (p) =>
      p.address.add({
        link: 10,
        address: 'fd00::5/64',
        nodad: true,
        lifetime: { valid: 600, preferred: 300 },
      }),
  },
  {
    line: 'address replace 10.0.0.5/24 dev br0',
    make: (p) => p.address.replace({ link: 10, address: '10.0.0.5/24' }),
  },
  {
    line: 'address del 10.0.0.5/24 dev br0',
    make: (p) => p.address.del({ link: 10, address: '10.0.0.5/24' }),
  },
]

const routes: Case[] = [
  {
    line: 'route add 10.9.0.0/24 via 10.0.0.2',
    make: (p) => p.route.add({ to: '10.9.0.0/24', via: '10.0.0.2' }),
  },
  {
    line: 'route add default via 10.0.0.2 dev br0 proto static metric 50 table 70000 onlink',
    make: (p) =>
      p.route.add({
        to: 'default',
        via: '10.0.0.2',
        link: 10,
        protocol: 'static',
        priority: 50,
        table: 70_000,
        onlink: true,
      }),
  },
  {
    line: 'route add 10.9.1.0/24 dev br0 src 10.0.0.1 table 100 tos 8 realms 3/4',
    make: (p) =>
      p.route.add({
        to: '10.9.1.0/24',
        link: 10,
        source: '10.0.0.1',
        table: 100,
        tos: 8,
        flow: (3 << 16) | 4,
      }),
  },
  {
    line: 'route add 10.9.2.0/24 via 10.0.0.2 mtu 1400 advmss 1300 window 9 initcwnd 20 initrwnd 30 hoplimit 40 quickack 1',
    make: (p) =>
      p.route.add({
        to: '10.9.2.0/24',
        via: '10.0.0.2',
        metrics: {
          mtu: 1400,
          advmss: 1300,
          window: 9,
          initCwnd: 20,
          initRwnd: 30,
          hopLimit: 40,
          quickAck: 1,
        },
      }),
  },
  {
    line: 'route add 10.9.3.0/24 nexthop via 10.0.0.2 dev br0 weight 3 nexthop via inet6 fd00::2 dev br0 weight 256 nexthop dev br0 via 10.0.0.9 onlink',
    make: (p) =>
      p.route.add({
        to: '10.9.3.0/24',
        hops: [
          { via: '10.0.0.2', link: 10, weight: 3 },
          { via: 'fd00::2', link: 10, weight: 256 },
          { via: '10.0.0.9', link: 10, flags: 4 },
        ],
      }),
  },
  {
    line: 'route add 10.9.4.0/24 via inet6 fd00::2 dev br0',
    make: (p) => p.route.add({ to: '10.9.4.0/24', via: 'fd00::2', link: 10 }),
  },
  ...(['blackhole', 'unreachable', 'prohibit', 'throw'] as const).map((type): Case => ({
    line: `route add ${type} 10.9.5.0/24 table 101`,
    make: (p) => p.route.add({ type, to: '10.9.5.0/24', table: 101 }),
  })),
  {
    line: 'route add local 10.9.6.1/32 dev lo table local',
    make: (p) =>
      p.route.add({ type: 'local', to: '10.9.6.1/32', link: 1, table: 'local' }),
  },
  {
    line: 'route add fd01::/64 via fd00::2 dev br0 pref high expires 600',
    make: (p) =>
      p.route.add({
        to: 'fd01::/64',
        via: 'fd00::2',
        link: 10,
        preference: 1,
        expires: 600,
      }),
  },
  {
    line: 'route add fd02::/64 nexthop via fd00::2 dev br0 nexthop via fd00::3 dev br0 weight 2',
    make: (p) =>
      p.route.add({
        to: 'fd02::/64',
        hops: [
          { via: 'fd00::2', link: 10 },
          { via: 'fd00::3', link: 10, weight: 2 },
        ],
      }),
  },
  {
    line: 'route add fd03::/64 from fd00::/64 dev br0',
    make: (p) => p.route.add({ to: 'fd03::/64', from: 'fd00::/64', link: 10 }),
  },
  {
    line: 'route replace 10.9.0.0/24 via 10.0.0.3',
    make: (p) => p.route.replace({ to: '10.9.0.0/24', via: '10.0.0.3' }),
  },
  {
    line: 'route append 10.9.0.0/24 via 10.0.0.4',
    make: (p) => p.route.append({ to: '10.9.0.0/24', via: '10.0.0.4' }),
  },
  {
    line: 'route del 10.9.0.0/24',
    make: (p) => p.route.del({ to: '10.9.0.0/24' }),
  },
]

const neighbours: Case[] = [
  {
    line: `neighbour add 10.0.0.9 lladdr ${MAC} dev br0`,
    make: (p) => p.neighbour.add({ link: 10, address: '10.0.0.9', mac: MAC }),
  },
  {
    line: `neighbour add fd00::9 lladdr ${MAC} dev br0 nud stale router extern_learn`,
    make: (p) =>
      p.neighbour.add({
        link: 10,
        address: 'fd00::9',
        mac: MAC,
        state: 'stale',
        router: true,
        extLearned: true,
      }),
  },
  {
    line: 'neighbour add proxy 10.0.0.8 dev br0',
    make: (p) => p.neighbour.add({ link: 10, address: '10.0.0.8', proxy: true }),
  },
  {
    line: `neighbour replace 10.0.0.9 lladdr ${MAC} dev br0`,
    make: (p) => p.neighbour.replace({ link: 10, address: '10.0.0.9', mac: MAC }),
  },
  {
    line: 'neighbour del 10.0.0.9 dev br0',
    make: (p) => p.neighbour.del({ link: 10, address: '10.0.0.9' }),
  },
]

const rules: Case[] = [
  {
    line: 'rule add from 10.0.0.0/8 to 10.9.0.0/16 table 100 priority 7',
    make: (p) =>
      p.rule.add({ from: '10.0.0.0/8', to: '10.9.0.0/16', table: 100, priority: 7 }),
  },
  {
    line: 'rule add fwmark 0x10/0xff iif br0 oif lo tos 8 table 100',
    make: (p) =>
      p.rule.add({
        mark: 0x10,
        mask: 0xff,
        inLink: 'br0',
        outLink: 'lo',
        tos: 8,
        table: 100,
      }),
  },
  {
    line: 'rule add ipproto tcp sport 1000-2000 dport 80 uidrange 5-6 table 100',
    make: (p) =>
      p.rule.add({
        ipProtocol: 6,
        sourcePorts: { first: 1000, last: 2000 },
        destinationPorts: { first: 80, last: 80 },
        uids: { first: 5, last: 6 },
        table: 100,
      }),
  },
  {
    line: 'rule add not from 10.0.0.0/8 table 100 suppress_prefixlength 0 suppress_ifgroup 5',
    make: (p) =>
      p.rule.add({
        invert: true,
        from: '10.0.0.0/8',
        table: 100,
        suppressPrefixLength: 0,
        suppressGroup: 5,
      }),
  },
  {
    line: 'rule add from 10.1.0.0/16 priority 8 goto 9000',
    make: (p) => p.rule.add({ from: '10.1.0.0/16', priority: 8, goto: 9000 }),
  },
  {
    line: 'rule add from 10.2.0.0/16 prohibit',
    make: (p) => p.rule.add({ from: '10.2.0.0/16', action: 'prohibit' }),
  },
  {
    // What `ip rule del` does not say fits any action; a verb has one, this number.
    line: 'rule del type unicast from 10.0.0.0/8 to 10.9.0.0/16 table 100 priority 7',
    make: (p) =>
      p.rule.del({ from: '10.0.0.0/8', to: '10.9.0.0/16', table: 100, priority: 7 }),
  },
]

export const ipCases: readonly Case[] = [...addresses, ...routes, ...neighbours, ...rules]

/** What `ip` takes for IPv4 unless it is told. */
export const ip6Cases: readonly Case[] = [
  {
    line: 'rule add from fd00::/64 table 70000',
    make: (p) => p.rule.add({ from: 'fd00::/64', table: 70_000 }),
  },
  {
    line: 'route add default via fd00::2 dev br0 metric 7',
    make: (p) => p.route.add({ to: 'default', via: 'fd00::2', link: 10, priority: 7 }),
  },
  {
    line: 'route add unreachable default',
    make: (p) => p.route.add({ type: 'unreachable', to: 'default', family: 'ipv6' }),
  },
]
