import { createInterface } from 'node:readline'
import t from 'tap'
import { NetNs, Transaction } from 'vnet-cni'
import { act, inside, read, refusal, start } from './helper.js'

const UDP = 17

/** Two namespaces with a wire; conntrack works in the first. */
function wired() {
  const client = NetNs.create()
  const server = NetNs.create()
  act(client, (p) => {
    const [a, b] = p.link.addVeth({ name: 'c0', up: true }, { name: 's0', netns: server })
    p.in(server).link.set(b, { up: true })
    p.address.add({ link: a, address: '10.0.0.1/24' })
    p.address.add({ link: a, address: '2001:db8::1/64', flags: 2 })
    p.route.add({ to: '192.0.2.0/24', link: a })
    for (const address of ['10.0.0.2/24', '10.0.0.3/24'])
      p.in(server).address.add({ link: b, address })
    p.in(server).address.add({ link: b, address: '2001:db8::2/64', flags: 2 })
  })
  // Conntrack sees the packets of a namespace once something there asks for it.
  const chain =
    'table inet t { chain c { type filter hook output priority 0; ct state new accept; }; }'
  inside(client, 'nft', ['-f', '-'], chain)
  return {
    client,
    server,
    [Symbol.dispose]: () => [client, server].forEach((n) => n.close()),
  }
}

const SEND = `
import socket, sys
kept = []
for flow in sys.argv[1:]:
    host, port = flow.rsplit('/', 1)
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.sendto(b'x', (host, int(port)))
    kept.append(s)
`

/** Sends a datagram each to `address/port` targets. */
const send = (ns: NetNs, ...flows: string[]) =>
  inside(ns, 'python3', ['-c', SEND, ...flows])

const flows = (ns: NetNs, family = 'ipv4') =>
  inside(ns, 'conntrack', ['-L', '-f', family, '-p', 'udp', '-o', 'extended'])
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [, to] = /dst=(\S+)/.exec(line) ?? []
      const [, port] = /dport=(\d+)/.exec(line) ?? []
      return `${to}/${port}`
    })
    .toSorted()

interface Wanted {
  readonly family?: 'ipv4' | 'ipv6'
  readonly protocol?: number
  readonly port?: number
  readonly address?: string
}

/** UDP flows to port 53, or what is wanted instead. */
function filterOf({ family = 'ipv4', protocol = UDP, port = 53, address }: Wanted) {
  const destination = address === undefined ? {} : { destination: address }
  return { family, original: { protocol, destinationPort: port, ...destination } }
}

const flush = (ns: NetNs, wanted: Wanted) =>
  read<number>(ns, (p) => p.conntrack.flush(filterOf(wanted)))

t.test('flows by port, and by port and address', async (t) => {
  using wire = wired()
  const { client } = wire
  const all = ['10.0.0.2/53', '10.0.0.2/5353', '10.0.0.3/53', '10.0.0.3/54']
  send(client, ...all)
  t.strictSame(flows(client), all)
  t.equal(flush(client, { address: '10.0.0.9' }), 0)
  t.equal(flush(client, { protocol: 6 }), 0, 'the protocol counts')
  t.equal(flush(client, { port: 55 }), 0)
  t.strictSame(flows(client), all)
  t.equal(flush(client, { address: '10.0.0.2' }), 1)
  t.strictSame(flows(client), ['10.0.0.2/5353', '10.0.0.3/53', '10.0.0.3/54'])
  send(client, '10.0.0.2/53', '10.0.0.2/53')
  t.equal(flush(client, {}), 3, 'every source port is a flow')
  t.strictSame(flows(client), ['10.0.0.2/5353', '10.0.0.3/54'])
})

t.test('IPv6, whichever way the address is written', async (t) => {
  using wire = wired()
  const { client } = wire
  send(client, '2001:db8::2/53', '10.0.0.2/53')
  t.strictSame(flows(client, 'ipv6'), ['2001:db8::2/53'])
  t.equal(flush(client, { family: 'ipv6', address: '2001:db8::3' }), 0)
  t.equal(flush(client, { family: 'ipv6', address: '2001:DB8:0:0::2' }), 1)
  t.strictSame(flows(client, 'ipv6'), [])
  t.strictSame(flows(client), ['10.0.0.2/53'], 'the other family stays')
})

t.test('a flow goes to the new place after the flush', async (t) => {
  using wire = wired()
  const { client, server } = wire
  const nat = (to: string) =>
    `flush ruleset; table ip n { chain o { type nat hook output priority -100; udp dport 53 dnat to ${to}; }; }`
  inside(client, 'nft', ['-f', '-'], nat('10.0.0.2'))
  const argv = ['-u', '-c', LISTEN]
  const listener = start(server, 'python3', argv)
  t.teardown(() => listener.kill('SIGKILL'))
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
  const next = async () => (await lines.next()).value as string
  t.equal(await next(), 'ready')
  const sender = start(client, 'python3', ['-u', '-c', REPEAT])
  t.teardown(() => sender.kill('SIGKILL'))
  sender.stdin.write('one\n')
  t.equal(await next(), '10.0.0.2 one')
  inside(client, 'nft', ['-f', '-'], nat('10.0.0.3'))
  sender.stdin.write('two\n')
  t.equal(await next(), '10.0.0.2 two', 'the kernel remembers the flow')
  t.equal(flush(client, {}), 1)
  sender.stdin.write('three\n')
  t.equal(await next(), '10.0.0.3 three')
})

const LISTEN = `
import select, socket
def bound(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    return s
sockets = [bound('10.0.0.2'), bound('10.0.0.3')]
print('ready')
while True:
    for s in select.select(sockets, [], [])[0]:
        print(f'{s.getsockname()[0]} {s.recv(100).decode()}')
`

const REPEAT = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('10.0.0.1', 4000))
for line in sys.stdin:
    s.sendto(line.strip().encode(), ('192.0.2.1', 53))
`

t.test('a namespace without flows, and many flows', async (t) => {
  using wire = wired()
  const { client, server } = wire
  t.equal(flush(server, {}), 0)
  const many = Array.from({ length: 600 }, () => '10.0.0.2/53')
  send(client, ...many, '10.0.0.2/54')
  t.equal(flows(client).length, 601)
  t.equal(flush(client, {}), 600)
  t.strictSame(flows(client), ['10.0.0.2/54'])
})

t.test('filters that are none', async (t) => {
  using ns = NetNs.create()
  for (const wrong of [
    { family: 'ipv5' },
    { protocol: 'udp' },
    { protocol: 256 },
    { port: '53' },
    { port: 65536 },
    { address: 'nowhere' },
  ]) {
    const flushIt = () => act(ns, (p) => p.conntrack.flush(filterOf(wrong as Wanted)))
    t.throws(flushIt, { name: 'TypeError' }, JSON.stringify(wrong))
  }
  // Taken for an empty filter, it would forget every flow.
  const misspelt = [
    { famly: 'ipv6' },
    { family: 'ipv4', original: { destinatonPort: 53 } },
    { family: 'ipv4', reply: { adress: '10.0.0.1' } },
  ]
  for (const wrong of misspelt) {
    const flushIt = () => act(ns, (p) => p.conntrack.flush(wrong as never))
    t.throws(flushIt, { name: 'TypeError' }, JSON.stringify(wrong))
  }
  const raw = { family: 2, original: { adress: '10.0.0.1' } }
  t.throws(() => act(ns, (p) => p.raw('conntrack.flush', raw)), TypeError)
  const none = refusal(ns, (p) =>
    p.nftables.commit(new Transaction().deleteTable({ family: 'ip', name: 'x' })),
  )
  t.equal(none.code, 'ENOENT', 'the socket is in order afterwards')
})
