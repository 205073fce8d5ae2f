/**
 * The move of the host's network to the bridge and back: whatever step fails, the host is as it
 * was before.
 */
import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { addon, type WireStep } from '../../dist/esm/binding.js'
import { NetNs, type Plan } from '../../dist/esm/netlink/index.js'
import { bridgeTable } from '../../dist/esm/vnet/bridge/endpoint-map.js'
import {
  BRIDGE_ALIAS,
  collectMove,
  readMoveFacts,
} from '../../dist/esm/vnet/bridge/host-move.js'
import {
  planTakeOver,
  readLinkSettings,
} from '../../dist/esm/vnet/bridge/link-settings.js'
import {
  planForgetRules,
  planMoveToBridge,
  planMoveToNic,
} from '../../dist/esm/vnet/bridge/move-plan.js'
import { dropTable, makeBridgeTable } from '../../dist/esm/vnet/bridge/table.js'
import { nicByMac } from '../../dist/esm/vnet/index.js'
import { nativeHandle } from '../helpers/internals.js'

const MAC = '00:0d:3a:11:22:33'

function inside(ns: NetNs, ...args: string[]): string {
  const net = `--net=/proc/${process.pid}/fd/${ns.fd}`
  const { status, stdout, stderr } = spawnSync('nsenter', [net, ...args], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
  return stdout
}

interface Made {
  readonly host: NetNs
  readonly fabric: NetNs
}

// As managers leave a NIC, and people after them: none of its routes can be told by its protocol.
function makeManagedHost(): Made {
  const host = NetNs.create()
  const fabric = NetNs.create()
  const plan = host.plan()
  plan.sysctl.set('net/ipv6/conf/default/accept_dad', '0')
  plan.sysctl.set('net/ipv6/conf/all/accept_dad', '0')
  for (const [name, peer, mac] of [
    ['eth0', 'vm0', MAC],
    ['eth1', 'vm1', '00:0d:3a:11:22:44'],
  ] as const) {
    plan.link.addVeth({ name, mac, up: true }, { name: peer, netns: fabric, up: true })
  }
  plan.runSync()
  for (const line of MANAGED) inside(host, ...line.split(' '))
  return { host, fabric }
}

const MANAGED = [
  'sysctl -q net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.default.forwarding=1',
  'sysctl -q net.ipv4.conf.eth0.rp_filter=2 net.ipv4.conf.eth0.arp_ignore=1',
  'sysctl -q net.ipv4.conf.default.promote_secondaries=1 net.ipv6.conf.eth0.accept_ra=0',
  'ip addr add 10.0.0.4/24 brd + noprefixroute dev eth0',
  'ip addr add 10.0.0.5/24 dev eth0',
  'ip addr add 10.0.1.4/24 metric 70 dev eth0',
  'ip addr add 10.0.2.4/32 dev eth0',
  'ip addr add 10.0.3.4/32 peer 10.0.3.1/32 dev eth0',
  'ip addr add 10.0.4.4 peer 10.0.5.1/24 dev eth0',
  'ip addr add 10.0.6.4/24 noprefixroute valid_lft 5000 preferred_lft 4000 dev eth0',
  'ip addr add 10.0.7.4/24 dev eth0',
  'ip addr add fd00:1::4/64 noprefixroute nodad dev eth0',
  'ip addr add fd00:2::4/64 nodad dev eth0',
  'ip addr add fd00:3::4/128 nodad dev eth0',
  'ip addr add fd00:4::4/64 nodad dev eth0',
  'ip addr add fd00:5::4 peer fd00:6::1/128 nodad dev eth0',
  // A second NIC in the same subnet, and with the same metrics.
  'ip addr add 10.0.0.200/24 dev eth1',
  'ip addr add 10.0.6.200/24 noprefixroute dev eth1',
  'ip addr add fd00:1::200/64 noprefixroute nodad dev eth1',
  'ip route add 10.0.6.0/24 dev eth1 proto kernel scope link metric 100',
  'ip -6 route add fd00:1::/64 dev eth1 proto kernel metric 100',
  'ip -6 route add fd00:7::/64 dev eth1 metric 300',
  // NetworkManager's prefix routes.
  'ip route add 10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.4 metric 100',
  'ip route append 10.0.6.0/24 dev eth0 proto kernel scope link src 10.0.6.4 metric 100',
  'ip -6 route append fd00:1::/64 dev eth0 proto kernel metric 100',
  'ip -6 route append fd00:7::/64 dev eth0 metric 300',
  // Somebody took one away, and changed another.
  'ip route del 10.0.7.0/24 dev eth0',
  'ip -6 route del fd00:4::/64 dev eth0',
  'ip route change 10.0.1.0/24 dev eth0 proto kernel scope link src 10.0.1.4 metric 70 mtu 1400',
  // By hand, and what says kernel without being its work.
  'ip route add 10.9.0.1 dev eth0 scope link',
  'ip route add default via 10.9.0.1 dev eth0 metric 500',
  'ip route add default via 10.0.0.1 dev eth0 proto static metric 100',
  'ip route add default via 10.8.0.1 dev eth0 onlink metric 600',
  'ip route add 10.10.0.0/16 dev eth0 proto kernel scope link',
  'ip route add 10.11.0.0/16 via 10.0.0.1 dev eth0 proto kernel',
  'ip route add multicast 239.0.0.0/8 dev eth0',
  'ip route add 224.0.0.0/4 dev eth0',
  'ip route add broadcast 10.12.0.255 dev eth0 table local scope link',
  'ip route add 10.13.0.0/24 dev eth0 table 100',
  'ip route add default via 10.0.0.1 dev eth0 table 100',
  'ip -6 route add default via fe80::1 dev eth0 proto ra metric 1024',
  'ip -6 route add fd00:8::/64 dev eth0 proto ra metric 1024',
  'ip -6 route add fd00:9::/64 via fd00:1::1 dev eth0 proto kernel',
  'ip nexthop add id 11 via 10.0.0.1 dev eth0',
  'ip nexthop add id 12 via 10.0.0.2 dev eth0 proto static',
  'ip nexthop add id 13 dev eth0',
  'ip nexthop add id 14 via fe80::1 dev eth0',
  'ip nexthop add id 15 via 10.0.0.9 dev eth1',
  'ip nexthop add id 16 via 10.77.0.1 dev eth0 onlink',
  'ip nexthop add id 20 group 11,2/12/15',
  'ip route add 10.20.0.0/16 nhid 11 src 10.0.1.4',
  'ip route add 10.21.0.0/16 nhid 20',
  'ip route add 10.22.0.0/16 nhid 13',
  'ip route add 10.23.0.0/16 nhid 16',
  'ip -6 route add fd00:20::/64 nhid 14',
  'ip neigh add 10.0.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent',
  'ip neigh add fd00:1::77 lladdr 02:00:00:00:00:77 router dev eth0 nud permanent',
  'ip neigh add proxy 10.0.0.88 dev eth0',
  'ip neigh add proxy fd00:1::88 dev eth0',
  'ip rule add iif eth0 lookup 100 prio 200',
  'ip rule add iif eth0 oif eth1 fwmark 0x1/0xff lookup 100 prio 201',
  'ip rule add oif eth0 from 10.0.0.4 lookup 100',
  'ip -6 rule add oif eth0 lookup 100 prio 300',
]

function makeHost(): Made {
  const host = NetNs.create()
  const fabric = NetNs.create()
  const plan = host.plan()
  // A link-local address that comes back would be checked for a second each time.
  plan.sysctl.set('net/ipv6/conf/default/accept_dad', '0')
  plan.sysctl.set('net/ipv6/conf/all/accept_dad', '0')
  const [nic] = plan.link.addVeth(
    { name: 'eth0', mac: MAC, mtu: 1400, up: true },
    { name: 'vm0', netns: fabric, up: true },
  )
  plan.address.add({
    link: nic,
    address: '10.0.0.4/24',
    broadcast: '10.0.0.255',
    label: 'eth0',
  })
  plan.address.add({ link: nic, address: '10.0.9.4/24', label: 'eth0:1' })
  plan.address.add({ link: nic, address: 'fd00:1::4/64', flags: 2 })
  plan.address.add({ link: nic, address: 'fd00:2::4/64', flags: 2 })
  plan.runSync()
  for (const route of [
    'default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100',
    '168.63.129.16 via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.4 metric 100',
    '192.168.0.0/16 dev eth0 scope link src 10.0.9.4',
    '192.168.7.0/24 via 10.0.0.9 dev eth0 table 77 mtu 1300 advmss 1200',
    '172.16.0.0/12 nexthop via 10.0.0.2 dev eth0 weight 2 nexthop via 10.0.0.3 dev eth0',
  ]) {
    inside(host, 'ip', 'route', 'add', ...route.split(' '))
  }
  const six = 'fd00:9::/48 via fd00:1::1 dev eth0 metric 50'
  inside(host, 'ip', '-6', 'route', 'add', ...six.split(' '))
  return { host, fabric }
}

// All that a person would look at, without what moves by itself: lifetimes, and the time that the
// kernel takes to check a link-local address.
function picture(host: NetNs): string[] {
  const show = (...args: string[]) => inside(host, ...args).split('\n')
  return [
    ...show('ip', '-br', 'link'),
    ...show('ip', '-o', 'address').map((line) =>
      line.replace(/ (valid_lft|tentative).*/, ''),
    ),
    ...show('ip', '-4', 'route', 'show', 'table', 'all').sort(),
    ...show('ip', '-6', 'route', 'show', 'table', 'all').sort(),
    ...show('ip', 'nexthop'),
    ...show('ip', 'rule'),
    ...show('ip', '-6', 'rule'),
    ...show('ip', 'neigh', 'show', 'nud', 'permanent').sort(),
    ...show('ip', 'neigh', 'show', 'proxy').sort(),
    ...show('nft', 'list', 'ruleset'),
    ...show('sh', '-c', 'grep -sH . /proc/sys/net/ipv[46]/conf/eth0/* || :'),
  ].map((line) => line.trimEnd())
}

// The kernel looks at a link-local address for a second, and tells a bridge's carrier late.
async function settled(host: NetNs): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const seen = inside(host, 'ip', '-6', 'address') + inside(host, 'ip', 'route')
    if (!/tentative|linkdown/.test(seen)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('addresses or routes do not settle')
}

// What is on the bridge by the NIC's name, without what the NIC keeps and the bridge has of its own.
function likeNic(lines: readonly string[]): string[] {
  const own =
    /^(eth0|azure0)|master azure0|^\/proc|nft|table bridge|anycast|multicast ff00/
  const named = lines.map((line) =>
    line.replace(/^\d+: /, '').replaceAll('azure0', 'eth0'),
  )
  return [...new Set(named.filter((line) => !own.test(line) && !isOfTable(line)))].sort()
}

const isOfTable = (line: string) => /^(\t|\})/.test(line)

function moveThere(host: NetNs): Plan {
  const facts = readMoveFacts(host, 'eth0')
  const nic = nicByMac(facts.links, MAC)!
  const move = collectMove(facts, nic, 'azure0')
  const plan = host.plan()
  const bridge = plan.link.add({
    kind: 'bridge',
    name: 'azure0',
    mac: MAC,
    mtu: move.mtu,
    alias: BRIDGE_ALIAS,
    up: true,
  })
  planTakeOver(plan, readLinkSettings(host, 'eth0'), nic, 'azure0')
  plan.sysctl.set('net/ipv4/conf/azure0/forwarding', '1')
  const spec = { bridge: 'azure0', nic: 'eth0', mac: MAC, hostAddresses: ['10.0.0.4'] }
  plan.nftables.commit(makeBridgeTable(spec, [], []), {
    undo: dropTable(bridgeTable('azure0')),
  })
  planMoveToBridge(plan, move, bridge, facts)
  return plan
}

function moveBack(host: NetNs): Plan {
  const facts = readMoveFacts(host, 'eth0')
  const nic = nicByMac(facts.links, MAC)!
  const bridge = facts.links.find((link) => link.name === 'azure0')!
  const plan = host.plan()
  const move = collectMove(facts, nic, 'azure0')
  planMoveToNic(plan, move, bridge.index, facts)
  plan.link.del(bridge.index)
  planForgetRules(plan, move)
  plan.nftables.commit(dropTable(bridgeTable('azure0')))
  return plan
}

const FAILS: WireStep = { op: 'link.get', ns: 0, args: { name: 'nosuchlink' } }

/** Lets the plan fail after each of its steps, up to the one that takes no undo. */
async function failAtEach(t: Test, host: NetNs, make: () => Plan) {
  const before = picture(host)
  for (let after = 1; ; after++) {
    const { steps } = make()
    const final = steps.findIndex(({ op }) => op === 'link.del')
    if (after > (final < 0 ? steps.length : final)) return
    const failing = [...steps.slice(0, after), FAILS]
    const handles = [nativeHandle(host)]
    const { failure, moreFailures } = addon().runSync(handles, failing, false)
    t.equal(failure?.step, after)
    t.same(moreFailures, [], `all of ${after} steps can be undone`)
    await settled(host)
    t.same(picture(host), before, `as before, when the step after ${after} fails`)
  }
}

const HOSTS = { plain: makeHost, 'as managers leave it': makeManagedHost }

for (const [kind, make] of Object.entries(HOSTS)) {
  t.test(`a host ${kind}`, async (t) => {
    t.test('there and back leaves all as it was', async (t) => {
      // Without its handle the fabric would go, and the NIC with it.
      const { host, fabric } = make()
      t.teardown(() => fabric.close())
      await settled(host)
      const before = picture(host)
      moveThere(host).runSync()
      await settled(host)
      t.equal(
        inside(host, 'ip', '-o', 'address', 'show', 'dev', 'eth0'),
        '',
        'the NIC keeps none',
      )
      t.match(inside(host, 'ip', 'link', 'show', 'azure0'), /00:0d:3a:11:22:33/s)
      t.same(likeNic(picture(host)), likeNic(before), 'the bridge has what the NIC had')
      moveBack(host).runSync()
      await settled(host)
      t.same(picture(host), before)
    })

    t.test('a failure at any step of the way there', async (t) => {
      const { host, fabric } = make()
      t.teardown(() => fabric.close())
      await settled(host)
      await failAtEach(t, host, () => moveThere(host))
    })

    t.test(
      'a failure at any step of the way back, while that can be undone',
      async (t) => {
        const { host, fabric } = make()
        t.teardown(() => fabric.close())
        await settled(host)
        moveThere(host).runSync()
        await settled(host)
        await failAtEach(t, host, () => moveBack(host))
      },
    )
  })
}
