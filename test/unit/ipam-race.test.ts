import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { Store } from '../../dist/esm/state/store.js'
import { fileLock } from './fixtures-ipam/fake-lock.mjs'

const run = promisify(execFile)
const racer = fileURLToPath(new URL('fixtures-ipam/racer.mjs', import.meta.url))
const built = fileURLToPath(new URL('../../build/Release/vnet_cni.node', import.meta.url))

async function race(dir: string, lock: string): Promise<string[]> {
  const path = join(dir, 'ipam.json')
  const racers = ['a', 'b', 'c', 'd'].map((name) =>
    run(process.execPath, [racer, path, name, '25', lock]),
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
  const store = (label: string) =>
    new Store({ path, label, initial: () => 0, lockFile: fileLock, lockTimeoutMs: 20 })
  store('ADD pod-a').update(() => {
    t.throws(() => store('ADD pod-b').update(() => t.fail('two at once')), {
      name: 'LockTimeoutError',
      holder: 'ADD pod-a',
    })
  })
})
