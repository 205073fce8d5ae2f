// Gets bursts of signals from another process while it makes threads by calls into the addon, until
// one is lost. Prints how many bursts there were and what was lost, as a line of JSON.
//   node receiver.mjs calls bursts
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { addon } from '../../../dist/esm/binding.js'

const [kind, bursts] = process.argv.slice(2)
const SIGNALS = ['SIGUSR2', 'SIGHUP', 'SIGWINCH', 'SIGALRM', 'SIGIO', 'SIGPWR']
const a = addon()
const h = a.createNetns()
const nothing = () => undefined
const sysctl = { op: 'sysctl.get', ns: 0, args: { name: 'net/ipv4/ip_forward' } }
const program = {
  file: '/bin/true',
  argv: ['true'],
  env: [],
  stdio: ['ignore', 'ignore', 'ignore'],
}
const monitor = () => a.openMonitor(h, ['link', 'nft'], 1, 0, nothing)

// What makes threads: for a program, for a file, for a namespace, to read.
const calls = {
  spawn: () => {
    const child = a.spawn(h, program, () => child.close())
  },
  sysctl: () => a.runSync([h], [sysctl], false),
  create: () => a.createNetns().close(),
  monitor: () => monitor().close(),
  async: () => a.run([h], [sysctl], false),
}

const arrived = new Map(SIGNALS.map((name) => [name, 0]))
for (const name of SIGNALS)
  process.on(name, () => arrived.set(name, arrived.get(name) + 1))

let sent = 0
const file = fileURLToPath(new URL('sender.mjs', import.meta.url))
const options = { stdio: ['pipe', 'pipe', 'inherit'] }
const sender = spawn(process.execPath, [file, process.pid, bursts, ...SIGNALS], options)
sender.stdout.on('data', (text) => (sent += text.length))

// Whether a signal still waits for a thread that takes it.
function pending() {
  return readdirSync('/proc/self/task').some((task) => {
    try {
      const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8')
      return /^(?:SigPnd|ShdPnd):\s*0*[1-9a-f]/m.test(status)
    } catch {
      return false
    }
  })
}

// A thread that has taken a signal may be kept from running its handler for long.
const PATIENCE = 1_000_000
const missing = (burst) => SIGNALS.filter((name) => arrived.get(name) < burst)
let answered = 0
// The sender waits for an answer to each burst, so that no signal meets one of its own kind.
while (answered < Number(bursts) && missing(answered).length === 0) {
  calls[kind]()
  await turn()
  if (sent === answered) continue
  // All are sent by now. What no thread has any more after so many turns is lost.
  for (let i = 0; missing(sent).length > 0 && (i < PATIENCE || pending()); i++)
    await turn()
  answered = sent
  sender.stdin.write('.')
}
console.log(JSON.stringify({ bursts: answered, lost: missing(answered) }))
process.exit(0)
