import { once } from 'node:events'
import t, { type Test } from 'tap'
import { NetNs, type InetSocket, type SocketFilter, type SocketProtocol } from 'vnet-cni'
import { inside, read, start } from './helper.js'

/** Sockets of every sort that a namespace may have. It lives until its input ends. */
const SERVER = `
import os, socket, sys
V4, V6, TCP, UDP = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
kept = []
def bound(family, kind, address, only=0, device=None):
  s = socket.socket(family, kind)
  s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
  if family == V6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
  if device: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
  s.bind(address)
  kept.append(s)
  return s
one = bound(V4, TCP, ('127.0.0.1', 8080)); one.listen(7)
bound(V6, TCP, ('::', 8081), only=1).listen(3)
both = bound(V6, TCP, ('::', 8082)); both.listen(5)
os.seteuid(1000); bound(V4, TCP, ('0.0.0.0', 8083), device=b'lo').listen(1); os.seteuid(0)
bound(V4, TCP, ('127.0.0.1', 8084))
for target in [one, both]:
  a = socket.create_connection(('127.0.0.1', target.getsockname()[1])); a.send(b'hello')
  kept.append(a)
kept.append(both.accept())
gone = socket.create_connection(('127.0.0.1', 8080))
accepted = [one.accept()[0] for _ in range(2)]
gone.close(); accepted[1].close()
kept += accepted
bound(V4, UDP, ('0.0.0.0', 53), device=b'lo')
bound(V6, UDP, ('::1', 5353), only=1)
bound(V6, UDP, ('::', 5354))
u = bound(V4, UDP, ('127.0.0.1', 5355)); u.connect(('127.0.0.1', 53)); u.send(b'12345')
marked = bound(V4, UDP, ('127.0.0.1', 5356)); marked.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 77)
print('ready', flush=True)
sys.stdin.read()
`

/** A namespace with the server in it. */
async function room(t: Test): Promise<NetNs> {
  const ns = NetNs.create()
  inside(ns, 'ip', ['link', 'set', 'lo', 'up'])
  const server = start(ns, 'python3', ['-c', SERVER])
  const ended = once(server, 'exit')
  t.teardown(async () => {
    server.stdin.end()
    await ended
    ns.close()
  })
  await Promise.race([
    once(server.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the server ended'))),
  ])
  return ns
}

/** The words of ss(8) for states. */
const STATES: { readonly [word: string]: string } = {
  ESTAB: 'established',
  LISTEN: 'listen',
  UNCONN: 'close',
  'TIME-WAIT': 'timeWait',
  'CLOSE-WAIT': 'closeWait',
  'FIN-WAIT-2': 'finWait2',
}

/** `127.0.0.1%lo:53`, `[::]:8081` or `*:8082`; a star is any of both families. */
function end(text: string) {
  const [, address = '', link, port = ''] = /^(.*?)(?:%(\w+))?:(\d+|\*)$/.exec(text) ?? []
  return {
    address: address === '*' ? '::' : address.replace(/^\[|\]$/g, ''),
    port: port === '*' ? 0 : Number(port),
    bound: link,
  }
}

/** What ss says of a protocol, in our words. */
function theirs(ns: NetNs, protocol: SocketProtocol, filter: string[] = [], only = '') {
  const lines = inside(ns, 'ss', ['-HnaeO', `--${protocol}`, ...filter])
    .trim()
    .split('\n')
  return lines.filter(Boolean).map((line) => {
    // Where only one state was asked for, it does not say it.
    const words = line.split(/\s+/)
    const [state = '', receive, send, local = '', remote = '', ...rest] =
      words[0] && words[0] in STATES ? words : [only, ...words]
    const extra = new Map(rest.map((part) => part.split(':') as [string, string]))
    const { bound, ...here } = end(local)
    const { bound: _, ...there } = end(remote)
    return {
      state: STATES[state],
      local: here,
      remote: there,
      ...(bound && { link: 1 }),
      uid: Number(extra.get('uid') ?? 0),
      inode: Number(extra.get('ino') ?? 0),
      receiveQueue: Number(receive),
      sendQueue: Number(send),
      ...(extra.has('v6only') && { onlyIpv6: extra.get('v6only') === '1' }),
      ...(extra.has('fwmark') && { mark: Number(extra.get('fwmark')) }),
      cookie: Number.parseInt(extra.get('sk') ?? '', 16),
    }
  })
}

const byCookie = (a: { cookie: number }, b: { cookie: number }) => a.cookie - b.cookie

/** Ours without what ss does not say. */
function ours(list: readonly InetSocket[]) {
  return list
    .map(({ protocol: _p, family: _f, mark, ...rest }) => ({
      ...rest,
      ...(mark && { mark }),
    }))
    .toSorted(byCookie)
}

const dump = (ns: NetNs, protocol: SocketProtocol, filter?: SocketFilter): InetSocket[] =>
  read(ns, (p) => p.socket.dump(protocol, filter))

t.test('what ss lists is what we list, field by field', async (t) => {
  const ns = await room(t)
  const tcp = dump(ns, 'tcp')
  t.strictSame(ours(tcp), theirs(ns, 'tcp').toSorted(byCookie))
  t.strictSame(ours(dump(ns, 'udp')), theirs(ns, 'udp').toSorted(byCookie))
  const states = new Set(tcp.map(({ state }) => state))
  t.ok(states.has('listen') && states.has('established') && states.has('timeWait'))
  t.ok(tcp.some(({ local }) => local.address === '::ffff:127.0.0.1'))
  const [restricted] = dump(ns, 'tcp', { localPort: 8083 })
  t.match(restricted, { uid: 1000, link: 1, state: 'listen', family: 'ipv4' })
  t.match(dump(ns, 'udp', { localPort: 5356 }), [{ mark: 77 }])
})

t.test('who listens where', async (t) => {
  const ns = await room(t)
  const where = (list: readonly InetSocket[]) =>
    list.map(({ local, family }) => `${family} ${local.address} ${local.port}`).toSorted()
  const listeners = (protocol: SocketProtocol, filter = {}) =>
    where(read(ns, (p) => p.socket.listeners(protocol, filter)))
  t.strictSame(listeners('tcp'), [
    'ipv4 0.0.0.0 8083',
    'ipv4 127.0.0.1 8080',
    'ipv6 :: 8081',
    'ipv6 :: 8082',
  ])
  t.strictSame(listeners('tcp', { family: 'ipv6' }), ['ipv6 :: 8081', 'ipv6 :: 8082'])
  t.strictSame(listeners('tcp', { localPort: 8080 }), ['ipv4 127.0.0.1 8080'])
  t.strictSame(listeners('tcp', { localPort: 9 }), [])
  t.strictSame(listeners('udp'), [
    'ipv4 0.0.0.0 53',
    'ipv4 127.0.0.1 5356',
    'ipv6 :: 5354',
    'ipv6 ::1 5353',
  ])
  using empty = NetNs.create()
  t.strictSame(dump(empty, 'tcp'), [])
})

t.test('states and ports narrow a dump as they do for ss', async (t) => {
  const ns = await room(t)
  const alike = (filter: SocketFilter, words: string[], only?: string) =>
    t.strictSame(
      ours(dump(ns, 'tcp', filter)),
      theirs(ns, 'tcp', words, only).toSorted(byCookie),
      words.join(' '),
    )
  alike({ states: ['listen'] }, ['state', 'listening'], 'LISTEN')
  alike({ states: ['established', 'timeWait'] }, [
    'state',
    'established',
    'state',
    'time-wait',
  ])
  const established = ['state', 'established', 'dport', '=', ':8082']
  alike({ states: ['established'], remotePort: 8082 }, established, 'ESTAB')
  alike({ family: 'ipv6' }, ['-6'])
  t.strictSame(dump(ns, 'tcp', { states: [] }), [])
})

t.test('sockets that are none', async (t) => {
  using ns = NetNs.create()
  const wrong: readonly [RegExp, any, any][] = [
    [/^protocol: sctp is not one of tcp, udp/, 'sctp', {}],
    [/^protocol: 6 is not one of tcp, udp/, 6, {}],
    [/^protocol: undefined is not one of/, undefined, {}],
    [/^port: no option of socket\.dump/, 'tcp', { port: 80 }],
    [/^localPort: must be an integer from 1 to 65535/, 'tcp', { localPort: 0 }],
    [/^remotePort: must be an integer from 1 to 65535/, 'tcp', { remotePort: '80' }],
    [/^states: give a list of states/, 'tcp', { states: 'listen' }],
    [/^states: open is not one of established/, 'tcp', { states: ['open'] }],
    [/^family: ipx is not one of/, 'tcp', { family: 'ipx' }],
  ]
  for (const [message, protocol, filter] of wrong) {
    t.throws(() => ns.plan().socket.dump(protocol, filter), {
      name: 'TypeError',
      message,
    })
  }
})
