/**
 * The one change to Node in the executable.
 */
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { must } from '../helpers/process.js'

const scripts: string = '../../scripts/bundle'
const { switchOffDeadlockChecks } = (await import(`${scripts}/deadlock-checks.mjs`)) as {
  switchOffDeadlockChecks(binary: string): void
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
