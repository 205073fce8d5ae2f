/**
 * Tables that come in more than one datagram, and of whose changes the kernel does not tell
 * (NLM_F_DUMP_INTR): what stayed throughout is told once, whatever comes and goes meanwhile.
 *
 * strace slows the dump down, so that changes fall between its datagrams. They are so few that one
 * of the dump's ten readings must be free of them (each spoils two comparisons of nine at most): the
 * dump never ends with EINTR. Without the guards of native/dump.cc, nearly every round with a
 * forwarding table failed, and one in eight with elements; of IPv6 addresses the kernel is silent for
 * microseconds only, which the rounds here seldom meet.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { NetNs, Transaction, type Plan, type SetDef } from 'vnet-cni'
import { act, pathOf } from './helper.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STEADY = 2000
const ROUNDS = 8
const CHANGES = 4
/** Milliseconds by which each datagram of a dump comes late, and those between two changes. */
const LATE = 10
const APART = 8

const numbers = Array.from({ length: STEADY }, (_, i) => i)

interface Table {
  /** Makes what stays. */
  readonly fill: (plan: Plan) => void
  /** Puts something before it (`true`), or takes that away. */
  readonly change: (plan: Plan, there: boolean) => void
  /** An expression that reads the names of all there is, in `ns`. */
  readonly dump: string
  /** How the names of what stays begin. */
  readonly steady: string
}

const byte = (n: number) => n.toString(16).padStart(2, '0')
const forwarding: Table = {
  fill: (p) => {
    const master = p.link.add({ kind: 'bridge', name: 'br0', up: true })
    const [link] = p.link.addVeth({ name: 'v0', master, up: true }, { name: 'v1' })
    for (const i of numbers) {
      const mac = `02:00:00:00:${byte(i >> 8)}:${byte(i & 255)}`
      p.fdb.add({ link, mac, state: 'static' })
    }
  },
  change: (p, there) => {
    const entry = { link: 'v0', mac: '02:00:00:01:00:01', state: 'static' } as const
    if (there) p.fdb.add(entry)
    else p.fdb.del(entry)
  },
  dump: `ns.sync.fdb.dump({ bridge: 'br0' }).map((e) => e.mac)`,
  steady: '02:00:00:00:',
}

const addresses: Table = {
  fill: (p) => {
    const link = p.link.add({ kind: 'bridge', name: 'br0', up: true })
    for (const i of numbers) {
      const address = `fd00::1:${(i + 1).toString(16)}/128`
      p.address.add({ link, address, nodad: true, noPrefixRoute: true })
    }
  },
  change: (p, there) => {
    const spec = { link: 'br0', address: 'fd00::2:1/128', nodad: true }
    if (there) p.address.add(spec)
    else p.address.del(spec)
  },
  dump: `ns.sync.address.dump({ family: 'ipv6' }).map((a) => a.address)`,
  steady: 'fd00::1:',
}

const set: SetDef = { family: 'ip', table: 't', name: 's', key: ['ipv4_addr'] }
const staying = numbers.map((i) => ({ key: [`10.0.${i >> 8}.${i & 255}`] }))
// Many, because what counts is the time from the first one's coming to the commit.
const passing = numbers.map((i) => ({ key: [`10.1.${i >> 8}.${i & 255}`] }))
const elements: Table = {
  fill: (p) => {
    const tx = new Transaction().addTable({ family: 'ip', name: 't' }).addSet(set)
    p.nftables.commit(tx.addElements(set, staying))
  },
  change: (p, there) => {
    const tx = new Transaction()
    p.nftables.commit(
      there ? tx.addElements(set, passing) : tx.deleteElements(set, passing),
    )
  },
  dump: `ns.sync.nftables.elements(${JSON.stringify(set)}).map((e) => e.key[0])`,
  steady: '10.0.',
}

/** Dumps once for each byte that it reads, and says what it saw. */
const script = ({ dump, steady }: Table) => `
  import { readSync } from 'node:fs'
  import { NetNs } from 'vnet-cni'
  const ns = NetNs.current()
  while (readSync(0, Buffer.alloc(1)) > 0) {
    console.log('starts')
    const seen = ${dump}.filter((name) => name.startsWith('${steady}'))
    console.log(seen.length + ', ' + new Set(seen).size + ' of them different')
  }`

/** A process that dumps slowly. */
function reader(ns: NetNs, table: Table) {
  const slow = [
    '-f',
    '-qq',
    '-e',
    'trace=recvfrom',
    '-e',
    'signal=none',
    '-o',
    '/dev/null',
  ]
  const late = ['-e', `inject=recvfrom:delay_exit=${LATE * 1000}`]
  const node = [process.execPath, '--input-type=module', '-e', script(table)]
  return spawn('nsenter', [`--net=${pathOf(ns)}`, 'strace', ...slow, ...late, ...node], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

async function play(t: Test, table: Table): Promise<void> {
  using ns = NetNs.create()
  act(ns, table.fill)
  const child = reader(ns, table)
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => (await lines.next()).value as string
  for (let round = 0; round < ROUNDS; round++) {
    child.stdin.write('.')
    t.equal(await line(), 'starts')
    for (let i = 0; i < CHANGES; i++) {
      await sleep(APART)
      act(ns, (p) => table.change(p, i % 2 === 0))
    }
    t.equal(await line(), `${STEADY}, ${STEADY} of them different`, `round ${round}`)
  }
  child.stdin.end()
  t.strictSame(await ended, [0, null])
}

t.test('forwarding tables', (t) => play(t, forwarding))
t.test('IPv6 addresses', (t) => play(t, addresses))
t.test('elements of nft sets', (t) => play(t, elements))
