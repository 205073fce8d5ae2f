import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { bootId } from '../../dist/esm/host/boot-id.js'
import {
  fileOperation,
  LockTimeoutError,
  StateError,
} from '../../dist/esm/host/errors.js'
import { type LockFile, Locks } from '../../dist/esm/host/lock.js'
import { HostProcess, processHost } from '../../dist/esm/host/process-host.js'
import { list, object, text as string } from '../../dist/esm/state/schema.js'
import { Store, type StoreOptions } from '../../dist/esm/state/store.js'
import { brokenLock, countingLock } from '../helpers/fake-lock.js'

interface Data {
  names: string[]
}

interface Given extends Partial<Omit<StoreOptions<Data>, 'host'>> {
  bootId?: string
  lockFile?: LockFile
}

const shape = object({ names: list(string) })

function setUp(dir: string, given: Given = {}) {
  const warnings: string[] = []
  const { counts, lockFile } = countingLock()
  const path = join(dir, 'state', 'x.json')
  const { bootId: boot = 'boot-1', lockFile: otherLock = lockFile, ...options } = given
  const locks = new Locks(() => otherLock)
  const store = new Store<Data>({
    host: {
      bootId: () => boot,
      lock: (...request) => locks.take(...request),
      self: { pid: process.pid, start: '', call: 1 },
    },
    path,
    version: 1,
    initial: () => ({ names: [] }),
    parse: (found) => shape(found, ''),
    warn: (message) => warnings.push(message),
    ...options,
  })
  return { store, path, warnings, counts }
}

const failureOf = (update: Promise<unknown>): Promise<unknown> =>
  update.then(
    () => undefined,
    (error: unknown) => error,
  )

t.test('an absent document reads as the initial data and is not made', async (t) => {
  const { store, path, counts } = setUp(t.testdir())
  t.strictSame(store.read(), { names: [] })
  t.equal(counts.taken, 0, 'read takes no lock')
  t.equal(await store.update((data) => data.names.length), 0)
  t.notOk(existsSync(path), 'nothing changed, nothing written')
})

t.test('what update changes is on disk, whole and private', async (t) => {
  const { store, path, counts } = setUp(t.testdir())
  const result = await store.update((data) => data.names.push('a'))
  t.equal(result, 1)
  t.strictSame(JSON.parse(readFileSync(path, 'utf8')), {
    version: 1,
    bootId: 'boot-1',
    data: { names: ['a'] },
  })
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(join(path, '..')).mode & 0o777, 0o755)
  t.notOk(existsSync(`${path}.tmp`))
  t.equal(counts.open, 0, 'the lock was given back')
  t.strictSame(counts.labels, [`pid ${process.pid}`])
  const before = statSync(path).ino
  await store.update((data) => data.names.includes('a'))
  t.equal(statSync(path).ino, before, 'an unchanged document is not replaced')
})

t.test('an update that throws writes nothing and gives the lock back', async (t) => {
  const { store, counts } = setUp(t.testdir())
  await store.update((data) => data.names.push('a'))
  const fail = () =>
    store.update((data) => {
      data.names.push('b')
      throw new RangeError('no')
    })
  await t.rejects(fail, { name: 'RangeError', message: 'no' })
  t.strictSame(store.read(), { names: ['a'] })
  t.equal(counts.open, 0)
})

t.test('a leftover temporary file, even a link, does no harm', async (t) => {
  const dir = t.testdir({ state: {}, other: 'untouched' })
  const { store, path } = setUp(dir)
  symlinkSync(join(dir, 'other'), `${path}.tmp`)
  await store.update((data) => data.names.push('a'))
  t.equal(readFileSync(join(dir, 'other'), 'utf8'), 'untouched')
  t.strictSame(store.read(), { names: ['a'] })
})

t.test('another boot id starts afresh, or with what survives', async (t) => {
  const dir = t.testdir()
  await setUp(dir).store.update((data) => data.names.push('a', 'keep'))
  const later = { bootId: 'boot-2' }
  t.strictSame(setUp(dir, later).store.read(), { names: [] })
  const surviveReboot = (old: Data) => ({ names: old.names.filter((n) => n === 'keep') })
  const { store, path } = setUp(dir, { ...later, surviveReboot })
  t.strictSame(store.read(), { names: ['keep'] })
  await store.update((data) => data.names.push('b'))
  t.match(JSON.parse(readFileSync(path, 'utf8')), {
    bootId: 'boot-2',
    data: { names: ['keep', 'b'] },
  })
})

t.test(
  'data of an earlier version is brought up to date, and so is the file',
  async (t) => {
    const old = '{"version":1,"bootId":"boot-1","data":{"name":"a"}}'
    const dir = t.testdir({ state: { 'x.json': old } })
    const { store, path, warnings } = setUp(dir, {
      version: 2,
      parse: (found, version) =>
        version === 1 ? { names: [(found as { name: string }).name] } : shape(found, ''),
    })
    t.strictSame(store.read(), { names: ['a'] })
    t.equal(readFileSync(path, 'utf8'), old, 'a reader does not change it')
    await store.update((data) => data.names.length)
    t.strictSame(JSON.parse(readFileSync(path, 'utf8')), {
      version: 2,
      bootId: 'boot-1',
      data: { names: ['a'] },
    })
    t.strictSame(store.read(), { names: ['a'] }, 'which is read as what it is now')
    t.strictSame(warnings, [])
  },
)

const damaged: Record<string, string> = {
  'half a file': '{"version":1,"bootId":"boot-1","da',
  'an empty file': '',
  'no object': 'null',
  'another version': '{"version":2,"bootId":"boot-1","data":{"names":[]}}',
  'no boot id': '{"version":1,"data":{"names":[]}}',
  'no data': '{"version":1,"bootId":"boot-1"}',
  'data of another shape': '{"version":1,"bootId":"boot-1","data":[]}',
}
for (const [name, text] of Object.entries(damaged)) {
  t.test(`damaged: ${name}`, async (t) => {
    const { store, path, warnings } = setUp(t.testdir({ state: { 'x.json': text } }))
    t.strictSame(store.read(), { names: [] })
    t.equal(readFileSync(path, 'utf8'), text, 'a reader does not move it')
    await store.update((data) => data.names.push('a'))
    t.strictSame(store.read(), { names: ['a'] })
    t.equal(readFileSync(`${path}.bad`, 'utf8'), text)
    t.equal(warnings.length, 2)
    t.match(warnings[1], `moved to ${path}.bad`)
  })
}

t.test('a lock that another holds', async (t) => {
  const dir = t.testdir({ state: { 'x.json.lock': 'ADD pod-a pid 4711\n' } })
  const { store, path } = setUp(dir, { lockFile: brokenLock(11), lockTimeoutMs: 50 })
  const error = await failureOf(store.update(() => t.fail('must not run')))
  t.type(error, LockTimeoutError)
  t.match(error, { holder: 'ADD pod-a pid 4711', path: `${path}.lock` })
  t.match((error as Error).message, /held by ADD pod-a pid 4711 for over 50 ms; end or/)
})

t.test('a lock file that cannot be made', async (t) => {
  const { store } = setUp(t.testdir(), { lockFile: brokenLock(30) })
  const error = await failureOf(store.update(() => t.fail('must not run')))
  t.type(error, StateError)
  t.match(error, { code: 'EROFS', message: /cannot lock .*x\.json\.lock: EROFS; make/ })
})

t.test('a folder that cannot be written', async (t) => {
  // Not even root may write there; a recursive mkdir of Node would never return.
  const path = '/proc/vnet-cni/x.json'
  const { store } = setUp(t.testdir(), { path })
  const error = await failureOf(store.update((data) => data.names.push('a')))
  t.type(error, StateError)
  t.match(error, { path: '/proc/vnet-cni', cure: /./ })
})

t.test('a full disk', { skip: !existsSync('/dev/full') }, async (t) => {
  const { store, path } = setUp(t.testdir())
  await store.update((data) => data.names.push('a'))
  const write = () => writeFileSync('/dev/full', 'x')
  const error = t.throws(() => fileOperation('write', path, write))
  t.type(error, StateError)
  t.match(error, { code: 'ENOSPC', message: /cannot write .*: ENOSPC; free some space/ })
})

t.test('a document that is a folder', async (t) => {
  const { store } = setUp(t.testdir({ state: { 'x.json': {} } }))
  t.throws(() => store.read(), { name: 'StateError', code: 'EISDIR' })
})

t.test('where the state lives', async (t) => {
  const stateDir = (env: Record<string, string>) =>
    processHost(new HostProcess(process.pid), env).stateDir
  t.equal(stateDir({}), '/run/vnet-cni')
  t.equal(stateDir({ VNET_CNI_STATE_DIR: '' }), '/run/vnet-cni')
  t.equal(stateDir({ VNET_CNI_STATE_DIR: '/x' }), '/x')
  t.throws(() => stateDir({ VNET_CNI_STATE_DIR: 'x' }), /absolute/)
})

t.test('the boot id is the kernel’s', async (t) => {
  const kernel = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  t.equal(bootId(), kernel)
  t.match(bootId(), /^[0-9a-f-]{36}$/)
})
