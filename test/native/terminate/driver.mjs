// Terminates workers at random moments of their calls into the addon, again and again.
//   node test/native/terminate/driver.mjs kind count seed
// Prints one line of JSON at the end: what is left, which must be nothing. A process that aborts
// prints none.
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { addon } from '../../../dist/esm/binding.js'

const [kind, count, seed] = process.argv.slice(2)
const AT_ONCE = 2
// Most terminations come within the time of some calls.
const LONGEST_MS = 12

let state = Number(seed) >>> 0
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}

const lock = join(tmpdir(), `vnet-cni-terminate-${process.pid}.lock`)
const file = new URL('worker.mjs', import.meta.url)

// Node leaves a module open whose loading it was told to end.
function isModule(fd) {
  try {
    return /\.(?:[cm]?js|json)$/.test(readlinkSync(`/proc/self/fd/${fd}`))
  } catch {
    return false
  }
}

function countOf(what) {
  const all = readdirSync(`/proc/self/${what}`)
  return what === 'fd' ? all.filter((fd) => !isModule(fd)).length : all.length
}

async function one() {
  const workerData = { kind, lock, pause: 1 + random(8) }
  const worker = new Worker(file, {
    workerData,
    execArgv: [],
    // It closes a descriptor that the addon opened.
    trackUnmanagedFds: false,
  })
  worker.on('error', (error) => {
    throw error
  })
  const delay = random(LONGEST_MS * 10) / 10
  // While it starts there is nothing of ours to meet for some 20 ms.
  if (kind === 'load') await sleep(random(60))
  else await once(worker, 'message').then(() => sleep(delay))
  await worker.terminate()
}

async function many(times) {
  for (let i = 0; i < times; i++) await one()
}

// Waits until so few are left, if they ever are: half a minute is the end of patience.
async function settle(what, most) {
  for (let i = 0; i < 300 && countOf(what) > most; i++) await sleep(100)
  return Math.max(0, countOf(what) - most)
}

// Once before counting: sockets, pools of threads and the like are made at first use.
await many(1)
const handle = addon().createNetns()
const links = () =>
  addon().runSync([handle], [{ op: 'link.dump', ns: 0, args: {} }], false)
links()
const before = { fd: countOf('fd'), task: countOf('task') }
await Promise.all(Array.from({ length: AT_ONCE }, () => many(Math.ceil(count / AT_ONCE))))
const left = {
  descriptors: await settle('fd', before.fd),
  threads: await settle('task', before.task),
  links: links()
    .results[0].map(({ name }) => name)
    .join(),
}
rmSync(lock, { force: true })
console.log(JSON.stringify(left))
