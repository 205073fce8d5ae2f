// Sends bursts of signals to a process and waits for its answer to each.
//   node sender.mjs pid bursts signal…
import { once } from 'node:events'

const [pid, bursts, ...signals] = process.argv.slice(2)
for (let burst = 0; burst < Number(bursts); burst++) {
  for (const signal of signals) process.kill(Number(pid), signal)
  process.stdout.write('.')
  await once(process.stdin, 'data')
}
process.exit(0)
