// What works without root, inside a user namespace of the caller's own. Plain JavaScript: it is
// run by an ordinary user, for whom no test runner is set up. Ends with status 0 and prints the
// names of its checks, one a line.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { NetNs, SyscallError, Transaction } from 'vnet-cni'

const home = readlinkSync('/proc/thread-self/ns/net')

function inside(ns, ...argv) {
  const path = `--net=/proc/${process.pid}/fd/${ns.fd}`
  return execFileSync('nsenter', [path, ...argv], { encoding: 'utf8' })
}

const json = (ns, ...argv) => JSON.parse(inside(ns, ...argv))

function act(ns, make) {
  const plan = ns.plan()
  make(plan)
  return plan.runSync()
}

const checks = {
  'links across namespaces'() {
    using(2, (host, pod) => {
      act(host, (p) => {
        const bridge = p.link.ensure({ kind: 'bridge', name: 'br0', up: true })
        const [outer, inner] = p.link.addVeth(
          { name: 'v0', master: bridge, up: true },
          { name: 'eth0', netns: pod },
        )
        p.bridgePort.set(outer, { hairpin: true })
        p.in(pod).address.add({ link: inner, address: '10.0.0.5/24' })
        p.in(pod).link.set(inner, { up: true })
        p.in(pod).route.add({ to: 'default', via: '10.0.0.1', link: inner })
      })
      assert.equal(json(host, 'ip', '-j', '-d', 'link', 'show', 'v0')[0].master, 'br0')
      const [route] = json(pod, 'ip', '-j', 'route', 'show', 'default')
      assert.equal(route.gateway, '10.0.0.1')
    })
  },

  'a failed plan is undone'() {
    using(1, (ns) => {
      const fail = () =>
        act(ns, (p) => {
          p.link.add({ kind: 'bridge', name: 'br0' })
          p.link.get('none')
        })
      assert.throws(fail, { code: 'ENODEV', step: 1 })
      assert.equal(json(ns, 'ip', '-j', 'link').length, 1)
    })
  },

  'nft and sysctl'() {
    using(1, (ns) => {
      const set = {
        family: 'ip',
        table: 't',
        name: 'm',
        key: ['inet_proto', 'inet_service'],
        data: ['ipv4_addr', 'inet_service'],
      }
      const element = { key: [6, 80], data: ['10.0.0.5', 8080], comment: 'x' }
      const tx = new Transaction().addTable({ family: 'ip', name: 't' }).addSet(set)
      act(ns, (p) => p.nftables.commit(tx.addElements(set, [element])))
      const plan = ns.plan()
      const dump = plan.nftables.elements(set)
      plan.sysctl.set('net/ipv4/ip_forward', '1')
      const value = plan.sysctl.get('net/ipv4/ip_forward')
      const done = plan.runSync()
      const [{ key, data, comment }] = done.of(dump)
      assert.deepEqual({ key, data, comment }, element)
      assert.equal(done.of(value), '1')
      assert.match(inside(ns, 'nft', 'list', 'ruleset'), /tcp \. 80 comment "x"/)
    })
  },

  'what needs the real root says EPERM or EACCES'() {
    const denied = (error) =>
      error instanceof SyscallError && ['EPERM', 'EACCES'].includes(error.code)
    assert.throws(() => NetNs.create({ name: 'vnet-cni-rootless' }), denied)
    assert.throws(() => NetNs.open('/proc/1/ns/net'), denied)
  },

  'the thread stays where it was'() {
    assert.equal(readlinkSync('/proc/thread-self/ns/net'), home)
  },
}

function using(count, body) {
  const spaces = Array.from({ length: count }, () => NetNs.create())
  try {
    body(...spaces)
  } finally {
    spaces.forEach((ns) => ns.close())
  }
}

// The real root would be allowed what is to be refused, and leave it on the machine.
const [, outer] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)
assert.notEqual(outer, '0', 'run this in a user namespace of an ordinary user')
for (const [name, check] of Object.entries(checks)) {
  check()
  console.log(name)
}
