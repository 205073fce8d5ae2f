/** Rules that other programs made are read, and added again elsewhere as they were. */
import t from 'tap'
import { exprData, NetNs, Transaction, type RuleInfo } from '../../dist/esm/index.js'
import { inside, nftJson, nftLoad } from '../helpers/in-namespace.js'

function namespace(): NetNs {
  const ns = NetNs.create()
  t.teardown(() => ns.close())
  return ns
}

/** Makes in `to` what list() reads in `from`. */
function copy(from: NetNs, to: NetNs, compat?: RuleInfo['compat']): void {
  const { tables, chains, sets, rules, objects } = from.sync.nftables.list()
  const tx = new Transaction()
  for (const table of tables) tx.addTable(table)
  for (const object of objects) tx.addObject(object)
  for (const chain of chains) tx.addChain(chain)
  for (const set of sets) tx.addSet(set).addElements(set, set.elements)
  for (const rule of rules) tx.addRule({ ...rule, ...(compat && { compat }) })
  to.sync.nftables.commit(tx)
}

const expressions = (ns: NetNs) =>
  ns.sync.nftables.list().rules.map((rule) => rule.expressions)

t.test('a ruleset of the nft program', async (t) => {
  const from = namespace()
  const to = namespace()
  nftLoad(
    from,
    `table inet fw {
      counter web { }
      set bad { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.1 } }
      set met { type ipv4_addr; size 100; flags dynamic; }
      map dst_map { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.1 . 8080 } }
      map act { type iface_index : verdict; elements = { 1 : accept } }
      chain pre { type nat hook prerouting priority dstnat;
        meta nfproto ipv4 dnat ip to tcp dport map @dst_map comment "to where"
      }
      chain in { type filter hook input priority filter; policy drop;
        iif vmap @act
        ip saddr @bad log prefix "bad: " level warn counter drop
        tcp flags & (fin|syn|rst|ack) == syn ct state new limit rate 20/second accept
        tcp option maxseg size 500-600 accept
        ip6 nexthdr icmpv6 icmpv6 type nd-neighbor-solicit accept
        meta mark set meta mark and 0xff xor 0x1
        meta mark set ct mark << 8
        ct mark set jhash ip saddr mod 16
        add @met { ip saddr ct count over 5 } reject
        ip dscp set cs1
        exthdr frag exists drop
        fib saddr . iif oif missing drop
        quota over 10 mbytes counter name "web" reject with icmpx admin-prohibited
        udp dport 53 @th,64,16 0x1234 accept
        ether saddr 02:00:00:00:00:01 vlan id 5 accept
      }
    }
`,
  )
  copy(from, to)
  t.same(nftJson(to), nftJson(from))
  t.same(expressions(to), expressions(from))
  const log = expressions(to)
    .flat()
    .map((e) => exprData(e, 'log'))
    .find((data) => data !== undefined)
  t.equal(log?.prefix, 'bad: ')
})

t.test('rules of iptables-nft, whose matches and targets are opaque', async (t) => {
  const from = namespace()
  const to = namespace()
  const iptables = (...args: string[]) => inside(from, ['iptables-nft', ...args])
  iptables('-A', 'INPUT', '-m', 'comment', '--comment', 'hello', '-j', 'ACCEPT')
  iptables('-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED', '-j', 'ACCEPT')
  iptables('-A', 'INPUT', '-m', 'addrtype', '--dst-type', 'LOCAL', '-j', 'DROP')
  iptables('-A', 'INPUT', '-s', '10.0.0.0/8', '-j', 'LOG', '--log-prefix', 'x ')
  iptables('-t', 'nat', '-A', 'POSTROUTING', '-s', '10.0.0.0/8', '-j', 'MASQUERADE')
  const opaque = expressions(from)
    .flat()
    .filter((e) => e.raw)
  t.ok(opaque.some((e) => e.expr === 'match'))
  t.ok(opaque.some((e) => e.expr === 'target'))
  copy(from, to)
  t.same(expressions(to), expressions(from))
  const save = (ns: NetNs) =>
    inside(ns, ['iptables-nft-save'])
      .replaceAll(/^#.*\n/gm, '')
      .replaceAll(/\[\d+:\d+\]/g, '')
  t.equal(save(to), save(from))
})

t.test('an xt match that wants to know the protocol of its rule', async (t) => {
  const from = namespace()
  const to = namespace()
  inside(from, [
    'iptables-nft',
    '-A',
    'INPUT',
    '-p',
    'tcp',
    '-m',
    'multiport',
    '--dports',
    '80,443',
    '-j',
    'ACCEPT',
  ])
  t.throws(() => copy(from, to), { name: 'NetlinkError' })
  copy(from, to, { protocol: 6, flags: 0 })
  t.same(expressions(to), expressions(from))
  t.match(
    inside(to, ['iptables-nft', '-S', 'INPUT']),
    /-p tcp -m multiport --dports 80,443 -j ACCEPT/,
  )
})

t.test('an unknown expression without its bytes is a TypeError', async (t) => {
  const ns = namespace()
  const where = { family: 'ip', table: 't', chain: 'c' } as const
  t.throws(
    () =>
      ns.sync.nftables.commit(
        new Transaction().addRule({ ...where, expressions: [{ expr: 'nonsense' }] }),
      ),
    { name: 'TypeError', message: /expressions\.0: expr nonsense is not known/ },
  )
})
