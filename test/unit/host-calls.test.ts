import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { HostProcess, processHost } from '../../dist/esm/host/process-host.js'
import { Calls, isAlive, processId } from '../../dist/esm/host/process-id.js'

/** A process that lives until its input ends. */
function cat() {
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
  return {
    pid: child.pid as number,
    async end() {
      child.stdin.end()
      await once(child, 'close')
    },
  }
}

t.test('calls of this process: those that run, and those that ended', async (t) => {
  const calls = new Calls(process.pid)
  const first = calls.begin()
  const second = calls.begin()
  t.match(first, { pid: process.pid, start: /^\d+$/, call: 1 })
  t.equal(second.call, 2, 'each has a number of its own')
  t.strictSame([calls.isRunning(first), calls.isRunning(second)], [true, true])
  calls.end(first)
  t.notOk(calls.isRunning(first), 'it has ended, though its process runs')
  t.ok(calls.isRunning(second))
  calls.end(first)
  t.ok(calls.isRunning(second), 'ending one twice ends no other')
  t.equal(calls.begin().call, 3, 'the number of an ended call is not given out again')
  const stored = JSON.parse(JSON.stringify(second))
  t.ok(calls.isRunning(stored), 'as a record on disk has it')
  t.notOk(calls.isRunning({ ...second, call: 99 }), 'one that never began')
})

t.test(
  'a Host is a call: it begins when it is recorded, and ends when closed',
  async (t) => {
    const shared = new HostProcess(process.pid)
    const a = processHost(shared, {})
    const b = processHost(shared, {})
    const [idA, idB] = [a.self, b.self]
    t.equal(a.self, idA, 'one id for a call')
    t.not(idA.call, idB.call)
    t.ok(b.isRunning(idA))
    a.checkpoint()
    a[Symbol.dispose]()
    t.notOk(b.isRunning(idA), 'abandoned: the other may take back what it did')
    t.ok(b.isRunning(idB))
    t.throws(() => a.checkpoint(), /given up/, 'and the abandoned one stops')
    b.checkpoint()
    a[Symbol.dispose]()
    t.ok(b.isRunning(idB))
  },
)

t.test('calls of other processes: known by whether the process runs', async (t) => {
  const calls = new Calls(process.pid)
  const other = cat()
  const theirs = { ...processId(other.pid), call: 1 }
  t.ok(calls.isRunning(theirs))
  t.ok(calls.isRunning({ ...theirs, call: 99 }), 'which of its calls run it knows itself')
  t.notOk(
    calls.isRunning({ ...theirs, start: `${theirs.start}0` }),
    'the number was given out again: another process has it now',
  )
  await other.end()
  t.notOk(calls.isRunning(theirs), 'a dead process')
  t.notOk(isAlive(theirs))
})

t.test('our own number, of a process before this one', async (t) => {
  const calls = new Calls(process.pid)
  const own = calls.begin()
  t.notOk(calls.isRunning({ ...own, start: '1' }))
  t.ok(calls.isRunning(own))
})

t.test('a process whose start time could not be read counts by its number', async (t) => {
  t.ok(isAlive({ pid: process.pid, start: '' }))
  // Above the largest number that Linux gives out (2^22, proc(5), pid_max).
  const none = 2 ** 22 + 1
  t.strictSame(processId(none), { pid: none, start: '' })
  t.notOk(isAlive({ pid: none, start: '' }))
  const calls = new Calls(none)
  const call = calls.begin()
  t.ok(calls.isRunning(call), 'its own calls it knows all the same')
  calls.end(call)
  t.notOk(calls.isRunning(call))
})
