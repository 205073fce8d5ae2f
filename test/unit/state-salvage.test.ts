import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Locks } from '../../dist/esm/host/lock.js'
import { Salvage, Salvaged } from '../../dist/esm/state/salvage.js'
import { number, text as string } from '../../dist/esm/state/schema.js'
import { Store, type StoreOptions } from '../../dist/esm/state/store.js'
import { countingLock } from '../helpers/fake-lock.js'

interface Data {
  names: string[]
}

function setUp(dir: string, more: Partial<StoreOptions<Data>> = {}) {
  const warnings: string[] = []
  const locks = new Locks(() => countingLock().lockFile)
  const path = join(dir, 'x.json')
  const store = new Store<Data>({
    host: {
      bootId: () => 'boot-1',
      lock: (file, options) => locks.take(file, options),
      self: { pid: process.pid, start: '', call: 1 },
    },
    path,
    version: 1,
    initial: () => ({ names: [] }),
    parse: (found) => {
      const salvaged = new Salvage()
      const { names } = found as Partial<Record<keyof Data, unknown>>
      return salvaged.result({ names: salvaged.list(string, names, 'names') })
    },
    warn: (message) => warnings.push(message),
    ...more,
  })
  return { store, path, warnings }
}

const file = (names: unknown, bootId = 'boot-1') =>
  JSON.stringify({ version: 1, bootId, data: { names } })

t.test('of a damaged document the good part is used and written anew', async (t) => {
  const { store, path, warnings } = setUp(t.testdir())
  writeFileSync(path, file(['a', 7, 'b']))
  t.strictSame(store.read(), { names: ['a', 'b'] })
  t.equal(readFileSync(path, 'utf8'), file(['a', 7, 'b']), 'a reader leaves it')
  t.equal(await store.update(({ names }) => names.length), 2)
  t.strictSame(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(file(['a', 'b'])))
  t.equal(readFileSync(`${path}.bad`, 'utf8'), file(['a', 7, 'b']), 'the whole of it')
  const problem = `state file ${path} is damaged: names[1] is 7, not a text`
  t.strictSame(warnings, [problem, `${problem}: moved to ${path}.bad`])
  await store.update(({ names }) => names.push('c'))
  t.equal(warnings.length, 2, 'it is whole now')
})

t.test('an update that throws loses nothing of a damaged document', async (t) => {
  const { store, path } = setUp(t.testdir())
  writeFileSync(path, file(['a', 7]))
  const fail = store.update(() => {
    throw new RangeError('no')
  })
  await t.rejects(fail, { name: 'RangeError' })
  t.strictSame(store.read(), { names: ['a'] })
  t.equal(readFileSync(`${path}.bad`, 'utf8'), file(['a', 7]))
  await store.update(({ names }) => names.push('b'))
  t.strictSame(store.read(), { names: ['a', 'b'] })
  t.equal(readFileSync(`${path}.bad`, 'utf8'), file(['a', 7]))
})

t.test('an older .bad gives way to the newer', async (t) => {
  const { store, path } = setUp(t.testdir())
  writeFileSync(`${path}.bad`, 'older')
  writeFileSync(path, file([7]))
  await store.update(() => undefined)
  t.equal(readFileSync(`${path}.bad`, 'utf8'), file([7]))
})

t.test(
  'a damaged document of an earlier boot: what survives of the good part',
  async (t) => {
    const { store, path } = setUp(t.testdir(), { surviveReboot: (old) => old })
    writeFileSync(path, file(['a', 7], 'boot-0'))
    t.strictSame(store.read(), { names: ['a'] })
    await store.update(() => undefined)
    t.strictSame(JSON.parse(readFileSync(path, 'utf8')), JSON.parse(file(['a'])))
    t.ok(existsSync(`${path}.bad`))
  },
)

t.test('parts of any kind', async (t) => {
  const salvaged = new Salvage()
  t.equal(salvaged.value(number, 7, 'a'), 7)
  t.equal(salvaged.value(number, 'x', 'a'), undefined)
  t.strictSame(salvaged.list(number, { 0: 1 }, 'b'), [])
  t.strictSame(salvaged.list(number, [1, 'x', 2], 'b'), [1, 2])
  t.strictSame(salvaged.record(number, { c: 1, d: 'x' }, 'e'), { c: 1 })
  for (const junk of [null, [], 7]) t.strictSame(salvaged.record(number, junk, 'f'), {})
  salvaged.note('and more')
  const result = salvaged.result('the rest')
  t.type(result, Salvaged)
  t.match(result, {
    data: 'the rest',
    damage: [
      'a is "x", not a number',
      'b is no list',
      'b[1] is "x", not a number',
      'e.d is "x", not a number',
      'f is no object',
      'f is no object',
      'f is no object',
      'and more',
    ],
  })
  t.equal(new Salvage().result('whole'), 'whole')
})
