import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createLogger, logFile, parseLogLevel } from '../../dist/esm/cni/plugin/log.js'
import { HostProcess, processHost } from '../../dist/esm/host/process-host.js'

const host = processHost(new HostProcess(process.pid), {})

const freshFile = () => join(mkdtempSync(join(tmpdir(), 'cni-log-')), 'x.log')
const linesOf = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

t.test('a line is one JSON object with the fields of the call', async (t) => {
  const file = freshFile()
  const log = createLogger({ host, file, fields: { plugin: 'demo', command: 'ADD' } })
  t.notOk(existsSync(file), 'no line, no file')
  log.info('hello', { lease: '10.0.0.5', big: 5n, absent: undefined })
  log.error('bad', { error: new TypeError('why\nnot') })
  const [one, two] = linesOf(file)
  t.match(one.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  delete one.time
  t.strictSame(one, {
    level: 'info',
    pid: process.pid,
    plugin: 'demo',
    command: 'ADD',
    msg: 'hello',
    lease: '10.0.0.5',
    big: '5',
  })
  t.match(two.error, { name: 'TypeError', message: 'why\nnot', stack: /cni-log/ })
  t.equal(statSync(file).mode & 0o007, 0, 'not for everybody')
})

t.test('levels', async (t) => {
  const file = freshFile()
  const log = createLogger({ host, file, level: 'warn' })
  const say = () => (log.debug('d'), log.info('i'), log.warn('w'), log.error('e'))
  say()
  log.level = 'debug'
  say()
  t.equal(
    linesOf(file)
      .map((line) => line.msg)
      .join(''),
    'wediwe',
  )
  t.equal(parseLogLevel(undefined), 'info')
  t.equal(parseLogLevel('debug'), 'debug')
  for (const bad of ['INFO', 3, {}]) {
    t.throws(() => parseLogLevel(bad), { code: 7, msg: /^logLevel: .*debug, info/ })
  }
})

t.test('where the file is', async (t) => {
  const fileFor = (env: Record<string, string>) =>
    logFile(processHost(new HostProcess(process.pid), env).logDir, 'azure-vnet')
  t.equal(fileFor({}), '/var/log/azure-vnet.log')
  t.equal(fileFor({ VNET_CNI_LOG_DIR: '/x' }), '/x/azure-vnet.log')
})

t.test('a log that cannot be written is told once and harms nothing', async (t) => {
  const said: string[] = []
  const log = createLogger({
    host,
    file: '/proc/nowhere/x.log',
    onFailure: (line) => void said.push(line),
  })
  log.info('a')
  log.info('b')
  t.equal(said.length, 1)
  t.match(said[0], /\/nowhere\/x\.log.*ENOENT/)
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  createLogger({ host, file: freshFile() }).info('cycle', cycle)
})

t.test('rotation keeps so many files, none over the limit', async (t) => {
  const file = freshFile()
  const log = createLogger({ host, file, maxBytes: 500, maxFiles: 3 })
  for (let i = 0; i < 50; i++) log.info('line', { i })
  t.strictSame(readdirSync(join(file, '..')).sort(), ['x.log', 'x.log.1', 'x.log.2'])
  const numbers = [`${file}.2`, `${file}.1`, file].flatMap((path) => {
    t.ok(statSync(path).size <= 500)
    return linesOf(path).map((line) => line.i)
  })
  const last = Array.from({ length: numbers.length }, (_, i) => 50 - numbers.length + i)
  t.strictSame(numbers, last, 'the newest lines, in order, without a gap')
  log.info('x'.repeat(600))
  t.equal(linesOf(file).length, 1, 'a line over the limit has a file of its own')
})

t.test('a rotation lock left by a dead process', async (t) => {
  const file = freshFile()
  const log = createLogger({ host, file, maxBytes: 100 })
  writeFileSync(`${file}.rotate`, '')
  log.info('a')
  log.info('b')
  t.equal(linesOf(file).length, 2, 'a fresh lock is respected: the file grows')
  utimesSync(`${file}.rotate`, 0, 0)
  log.info('c')
  log.info('d')
  t.equal(linesOf(file).length, 1)
  t.equal(linesOf(`${file}.1`).length, 3)
})

t.test('two processes lose and mix no line', async (t) => {
  const file = freshFile()
  const dist = new URL('../../dist/esm/', import.meta.url).href
  const code = `
    import { createLogger } from '${dist}cni/plugin/log.js'
    import { HostProcess, processHost } from '${dist}host/process-host.js'
    const log = createLogger({
      host: processHost(new HostProcess(process.pid), {}),
      file: ${JSON.stringify(file)}, maxBytes: 10_000, maxFiles: 40,
      onFailure: (line) => { process.stderr.write(line); process.exitCode = 1 },
    })
    for (let i = 0; i < 800; i++) log.info('line', { who: process.argv[1], i })
  `
  const exits = ['a', 'b'].map((who) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, who], {
      stdio: 'inherit',
    })
    return once(child, 'exit')
  })
  for (const [status] of await Promise.all(exits)) t.equal(status, 0)
  const files = readdirSync(join(file, '..'))
  t.ok(files.length > 10, `${files.length} files`)
  t.notOk(files.includes('x.log.rotate'))
  const seen = files.flatMap((name) => linesOf(join(file, '..', name)))
  const keys = new Set(seen.map((line) => `${line.who}${line.i}`))
  t.strictSame([seen.length, keys.size], [1600, 1600])
})
