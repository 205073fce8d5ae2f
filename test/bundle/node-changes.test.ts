/**
 * The changes to Node in the executable: a debugging aid of Abseil is off, and what Node does at each
 * start for nobody is left out.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { must } from '../helpers/process.js'

const scripts: string = '../../scripts/bundle'
const { switchOffDeadlockChecks } = (await import(`${scripts}/deadlock-checks.mjs`)) as {
  switchOffDeadlockChecks(binary: string): void
}
const { switchOffNeedlessWork } = (await import(`${scripts}/needless-work.mjs`)) as {
  switchOffNeedlessWork(binary: string): void
}
const { nodeBinary } = (await import(`${scripts}/node.mjs`)) as {
  nodeBinary(arch: string): string
}

t.test("four bytes of Node's binary become zero, once", async (t) => {
  for (const arch of ['x64', 'arm64']) {
    const original = nodeBinary(arch)
    const copy = join(t.testdir(), arch)
    copyFileSync(original, copy)
    switchOffDeadlockChecks(copy)
    const [before, after] = [readFileSync(original), readFileSync(copy)]
    t.equal(after.length, before.length)
    // OnDeadlockCycle::kAbort is 2, kIgnore 0, in little-endian order.
    const at = before.findIndex((byte, i) => byte !== after[i])
    t.strictSame([before.readInt32LE(at), after.readInt32LE(at)], [2, 0])
    after.writeInt32LE(2, at)
    t.ok(after.equals(before), `${arch}: nothing else is changed`)
    after.writeInt32LE(0, at)
    t.throws(() => switchOffDeadlockChecks(copy), { message: /is 0, not 2/ })
  }
})

t.test('such a Node runs', async (t) => {
  const copy = join(t.testdir(), 'node')
  copyFileSync(nodeBinary('x64'), copy)
  switchOffDeadlockChecks(copy)
  t.equal(await must(copy, ['-p', '6 * 7']), '42\n')
})

t.test('another binary is refused', async (t) => {
  const copy = join(t.testdir(), 'true')
  copyFileSync('/bin/true', copy)
  t.throws(() => switchOffDeadlockChecks(copy), { message: /is missing, not 2/ })
})

const RETURN: Record<string, string> = { x64: 'c3', arm64: 'c0035fd6' }

t.test('two functions of Node return at once, and nothing else is changed', async (t) => {
  for (const [arch, instruction] of Object.entries(RETURN)) {
    const original = nodeBinary(arch)
    const copy = join(t.testdir(), arch)
    copyFileSync(original, copy)
    switchOffNeedlessWork(copy)
    const [before, after] = [readFileSync(original), readFileSync(copy)]
    const bytes = Buffer.from(instruction, 'hex')
    for (let i = 0; i < 2; i++) {
      let at = before.findIndex((byte, place) => byte !== after[place])
      // Instructions of arm64 begin at multiples of four; a byte of one may be the same before.
      at -= at % bytes.length
      t.equal(after.subarray(at, at + bytes.length).toString('hex'), instruction)
      before.copy(after, at, at, at + bytes.length)
    }
    t.ok(after.equals(before), arch)
    t.throws(() => switchOffNeedlessWork(copy), { message: /returns at once already/ })
  }
})

t.test('a Node without them runs, and a stack has its lines', async (t) => {
  const copy = join(t.testdir(), 'node')
  copyFileSync(nodeBinary('x64'), copy)
  switchOffNeedlessWork(copy)
  const script = 'const at = () => new Error("here").stack\n\nconsole.log(at())'
  t.match(await must(copy, ['-e', script]), /at at \(\[eval\]:1:18\)\n.*\[eval\]:3:13/)
  const worker =
    'new (require("worker_threads").Worker)("console.log(42)", { eval: true })'
  t.equal(await must(copy, ['-e', worker]), '42\n')
})

t.test('another binary than Node is refused', async (t) => {
  const copy = join(t.testdir(), 'true')
  copyFileSync('/bin/true', copy)
  t.throws(() => switchOffNeedlessWork(copy), { message: /is missing/ })
})
