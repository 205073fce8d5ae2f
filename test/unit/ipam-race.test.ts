import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { Locks, type LockOptions } from '../../dist/esm/host/lock.js'
import { Store } from '../../dist/esm/state/store.js'
import { fileLock } from './fixtures-ipam/fake-lock.mjs'

const run = promisify(execFile)
const racer = fileURLToPath(new URL('fixtures-ipam/racer.mjs', import.meta.url))
const built = fileURLToPath(new URL('../../build/Release/vnet_cni.node', import.meta.url))

async function race(dir: string, lock: string): Promise<string[]> {
  const racers = ['a', 'b', 'c', 'd'].map((name) =>
    run(process.execPath, [racer, dir, name, '25', lock]),
  )
  const outputs = await Promise.all(racers)
  return outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[])
}

for (const lock of ['fake', 'addon']) {
  const skip = lock === 'addon' && !existsSync(built) && 'the addon is not built'
  t.test(`four processes never get one address, lock: ${lock}`, { skip }, async (t) => {
    const dir = t.testdir()
    const addresses = await race(dir, lock)
    t.equal(addresses.length, 100)
    t.equal(new Set(addresses).size, 100)
  })
}

t.test('the loser of a lock learns who holds it', async (t) => {
  const path = join(t.testdir(), 'x.json')
  const host = () => {
    // Locks of its own, as another process has.
    const locks = new Locks(() => fileLock)
    return {
      bootId: () => 'boot-1',
      self: { pid: process.pid, start: '', call: 1 },
      lock: (file: string, options: LockOptions) => locks.take(file, options),
    }
  }
  const held = await host().lock(`${path}.lock`, { label: 'ADD pod-a' })
  const parse = (data: unknown) => Number(data)
  const options = { host: host(), path, version: 1, parse, lockTimeoutMs: 20 }
  const store = new Store({ ...options, initial: () => 0 })
  await t.rejects(
    store.update(() => t.fail('two at once')),
    { name: 'LockTimeoutError', holder: 'ADD pod-a' },
  )
  held.release()
  t.equal(await store.update(() => 'after it'), 'after it')
})
