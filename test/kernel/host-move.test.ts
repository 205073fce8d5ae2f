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
  planMoveToBridge,
  planMoveToNic,
} from '../../dist/esm/vnet/bridge/host-move.js'
import { dropTable, makeBridgeTable } from '../../dist/esm/vnet/bridge/table.js'
import { nicByMac, readAcceptDad, readFacts } from '../../dist/esm/vnet/index.js'
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

function makeHost(): { host: NetNs; fabric: NetNs } {
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
    ...show('nft', 'list', 'ruleset'),
    readAcceptDad(host, 'eth0'),
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

function moveThere(host: NetNs): Plan {
  const facts = readFacts(host)
  const nic = nicByMac(facts.links, MAC)!
  const move = collectMove(facts, nic, 'azure0', readAcceptDad(host, 'eth0'))
  const plan = host.plan()
  const bridge = plan.link.add({
    kind: 'bridge',
    name: 'azure0',
    mac: MAC,
    mtu: move.mtu,
    alias: BRIDGE_ALIAS,
    up: true,
  })
  plan.sysctl.set('net/ipv4/conf/azure0/forwarding', '1')
  const spec = { bridge: 'azure0', nic: 'eth0', mac: MAC, hostAddresses: ['10.0.0.4'] }
  plan.nftables.commit(makeBridgeTable(spec, [], []), {
    undo: dropTable(bridgeTable('azure0')),
  })
  planMoveToBridge(plan, move, bridge)
  return plan
}

function moveBack(host: NetNs): Plan {
  const facts = readFacts(host)
  const nic = nicByMac(facts.links, MAC)!
  const bridge = facts.links.find((link) => link.name === 'azure0')!
  const plan = host.plan()
  const move = collectMove(facts, nic, 'azure0', readAcceptDad(host, 'eth0'))
  planMoveToNic(plan, move, bridge.index)
  plan.link.del(bridge.index)
  plan.nftables.commit(dropTable(bridgeTable('azure0')))
  return plan
}

const FAILS: WireStep = { op: 'link.get', ns: 0, args: { name: 'nosuchlink' } }

async function failAtEach(t: Test, host: NetNs, make: () => Plan, most: number) {
  const before = picture(host)
  const count = make().steps.length
  for (let after = 1; after <= Math.min(count, most); after++) {
    const steps = [...make().steps.slice(0, after), FAILS]
    const { failure, moreFailures } = addon().runSync([nativeHandle(host)], steps, false)
    t.equal(failure?.step, after)
    t.same(moreFailures, [], `all of ${after} steps can be undone`)
    await settled(host)
    t.same(picture(host), before, `as before, when the step after ${after} fails`)
  }
}

t.test('there and back leaves all as it was', async (t) => {
  // Without its handle the fabric would go, and the NIC with it.
  const { host, fabric } = makeHost()
  t.teardown(() => fabric.close())
  await settled(host)
  const before = picture(host)
  moveThere(host).runSync()
  t.equal(
    inside(host, 'ip', '-o', 'address', 'show', 'dev', 'eth0'),
    '',
    'the NIC keeps none',
  )
  t.match(
    inside(host, 'ip', 'route'),
    /default via 10.0.0.1 dev azure0 proto dhcp src 10.0.0.4/,
  )
  t.match(inside(host, 'ip', 'link', 'show', 'azure0'), /mtu 1400.*00:0d:3a:11:22:33/s)
  moveBack(host).runSync()
  await settled(host)
  t.same(picture(host), before)
})

t.test('a failure at any step of the way there', async (t) => {
  // Without its handle the fabric would go, and the NIC with it.
  const { host, fabric } = makeHost()
  t.teardown(() => fabric.close())
  await settled(host)
  await failAtEach(t, host, () => moveThere(host), Infinity)
})

t.test('a failure at any step of the way back, while that can be undone', async (t) => {
  // Without its handle the fabric would go, and the NIC with it.
  const { host, fabric } = makeHost()
  t.teardown(() => fabric.close())
  await settled(host)
  moveThere(host).runSync()
  await settled(host)
  // The bridge's deletion is the last but one step and takes no undo.
  await failAtEach(t, host, () => moveBack(host), moveBack(host).steps.length - 2)
})
