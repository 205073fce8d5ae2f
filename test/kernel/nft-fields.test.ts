/** Fields at work: packets go through rules about them. */
import t from 'tap'
import {
  bits,
  counter,
  eq,
  field,
  ipv4Bytes,
  neq,
  NetNs,
  store,
  storeFrom,
  Transaction,
  verdict,
  type Expr,
} from 'vnet-cni'

/** Two namespaces with a wire between them, both families on it. */
async function wire(): Promise<[NetNs, NetNs]> {
  const [left, right] = [NetNs.create(), NetNs.create()]
  t.teardown(() => [left, right].forEach((ns) => ns.close()))
  const plan = left.plan()
  const ends = plan.link.addVeth(
    { name: 'eth0', up: true },
    { name: 'eth0', netns: right, up: true },
  )
  for (const [i, ns] of [left, right].entries()) {
    const link = ends[i] ?? 'eth0'
    plan.in(ns).address.add({ link, address: `10.0.0.${i + 1}/24` })
    plan.in(ns).address.add({ link, address: `fd00::${i + 1}/64`, nodad: true })
  }
  await plan.run()
  return [left, right]
}

const WHERE = { family: 'inet', table: 't', chain: 'c' } as const

function rules(ns: NetNs, hook: 'input' | 'postrouting', ...list: Expr[][]): void {
  const tx = new Transaction()
    .addTable({ family: 'inet', name: 't' })
    .addChain({ family: 'inet', table: 't', name: 'c', hook })
  for (const expressions of list) tx.addRule({ ...WHERE, expressions })
  ns.sync.nftables.commit(tx)
}

async function pings(from: NetNs, to: string): Promise<boolean> {
  const { stdout } = await from.exec('sh', ['-c', `ping -c1 -W2 ${to} || true`])
  return /1 received/.test(stdout)
}

t.test('a rule about IPv4 leaves IPv6 alone', async (t) => {
  const [left, right] = await wire()
  rules(right, 'input', [...neq(field.ipSource, ipv4Bytes('10.0.0.9')), verdict('drop')])
  t.equal(await pings(left, '10.0.0.2'), false)
  t.equal(await pings(left, 'fd00::2'), true)
})

t.test('a rule about ICMP counts no other packet that has such bytes', async (t) => {
  const [left, right] = await wire()
  // A port of 2049 begins with the byte of an echo request, 8.
  rules(right, 'input', [...eq(field.icmpType, Uint8Array.of(8)), counter()])
  await left.exec('bash', ['-c', 'echo > /dev/tcp/10.0.0.2/2049 || true'])
  const send = `echo > /dev/udp/10.0.0.2/53`
  await left.exec('bash', ['-c', `exec 3<>/dev/udp/10.0.0.2/53; ${send}`])
  const counted = () =>
    right.sync.nftables
      .rules({ family: 'inet', table: 't' })
      .flatMap(({ expressions }) => expressions)
      .find(({ expr }) => expr === 'counter')?.data?.['packets']
  t.equal(counted(), 0)
  t.equal(await pings(left, '10.0.0.2'), true)
  t.equal(counted(), 1)
})

for (const [name, f, offset] of [
  ['type of service', field.ipTos, 1],
  ['time to live', field.ipTtl, 8],
] as const) {
  t.test(`a packet whose ${name} was written arrives`, async (t) => {
    const [left, right] = await wire()
    const value = Uint8Array.of(0x48)
    rules(left, 'postrouting', store(f, value))
    rules(right, 'input', [...eq(f, value), counter()], [...bits(f, value, 'any')])
    t.equal(await pings(left, '10.0.0.2'), true)
    const [rule] = right.sync.nftables.rules({ family: 'inet', table: 't' })
    const packets = rule?.expressions.find(({ expr }) => expr === 'counter')?.data
    t.equal(packets?.['packets'], 1, `at ${offset}`)
    t.equal(await pings(left, 'fd00::2'), true)
    t.throws(() => storeFrom(f), { name: 'TypeError', message: /write bytes .* store/ })
  })
}
