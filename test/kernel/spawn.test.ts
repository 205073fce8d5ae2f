/**
 * Programs inside a namespace: NetNs.spawn and NetNs.exec.
 */
import { getEventListeners, once } from 'node:events'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { ExecError, NetNs, type SpawnOptions } from 'vnet-cni'
import { until } from '../helpers/process.js'
import { syscallError, threadNamespaces } from './helper.js'
import { nativeHandle } from '../helpers/internals.js'

const home = readlinkSync('/proc/thread-self/ns/net')

/** A namespace with a bridge of that name. */
function space(name: string): NetNs {
  const ns = NetNs.create()
  ns.sync.link.add({ kind: 'bridge', name })
  return ns
}

/** The names of the links that /proc/net/dev lists. */
function names(table: string): string[] {
  return [...table.matchAll(/^ *(\S+):/gm)].map((match) => match[1] ?? '').sort()
}

t.test('the child lives in the namespace', async (t) => {
  using ns = space('here')
  const { stdout, stderr } = await ns.exec('cat', ['/proc/net/dev'])
  t.strictSame(names(stdout), ['here', 'lo'])
  t.equal(stderr, '')
  const seen = await ns.exec('readlink', ['/proc/self/ns/net'])
  const { ino } = nativeHandle(ns).identity()
  t.equal(seen.stdout, `net:[${ino}]\n`)
  await ns.sysctl.set('net/ipv4/ip_default_ttl', 77)
  const ttl = await ns.exec('cat', ['/proc/sys/net/ipv4/ip_default_ttl'])
  t.equal(ttl.stdout, '77\n')
  t.strictSame(threadNamespaces(), [home])
})

t.test('standard streams', async (t) => {
  using ns = NetNs.create()
  const child = ns.spawn('sh', ['-c', 'cat; echo done >&2'])
  child.stdin?.write('one ')
  child.stdin?.end('two')
  const [out, err, exit] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    child.exited,
  ])
  t.strictSame([out, err, exit], ['one two', 'done\n', { code: 0, signal: null }])
  const quiet = ns.spawn('sh', ['-c', 'cat; echo x; echo y >&2'], { stdio: 'ignore' })
  t.strictSame([quiet.stdin, quiet.stdout, quiet.stderr], [null, null, null])
  t.strictSame(await quiet.exited, { code: 0, signal: null })
  const mixed = ns.spawn('readlink', ['/proc/self/fd/0', '/proc/self/fd/2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const own = readlinkSync('/proc/self/fd/2')
  t.equal(await text(mixed.stdout!), `/dev/null\n${own}\n`)
  await mixed.exited
})

t.test('much in both directions', async (t) => {
  using ns = NetNs.create()
  const input = Buffer.alloc(3_000_000, 'netlink\n')
  const { stdout } = await ns.exec('cat', [], { input })
  t.equal(stdout.length, input.length)
  t.ok(Buffer.from(stdout).equals(input))
})

t.test('how it ended', async (t) => {
  using ns = NetNs.create()
  const run = (script: string) =>
    ns.spawn('sh', ['-c', script], { stdio: 'ignore' }).exited
  t.strictSame(await run('exit 0'), { code: 0, signal: null })
  t.strictSame(await run('exit 42'), { code: 42, signal: null })
  t.strictSame(await run('kill -KILL $$'), { code: null, signal: 'SIGKILL' })
  const child = ns.spawn('sleep', ['1000'])
  t.equal(child.kill('SIGINT'), true)
  t.strictSame(await child.exited, { code: null, signal: 'SIGINT' })
  t.equal(child.kill(), false, 'there is nobody left to signal')
  t.equal(child.kill(0), false)
  // It has ended long before anybody asks.
  const early = ns.spawn('true')
  await once(early.stdout!.resume(), 'close')
  t.strictSame(await early.exited, { code: 0, signal: null })
  t.equal(existsSync(`/proc/${early.pid}`), false, 'no zombie stays')
})

t.test('exec says what went wrong', async (t) => {
  using ns = NetNs.create()
  const error = await ns
    .exec('sh', ['-c', 'echo out; echo "no way" >&2; exit 3'])
    .catch((e: unknown) => e as ExecError)
  t.ok(error instanceof ExecError)
  t.match(error, {
    name: 'ExecError',
    code: 3,
    signal: null,
    stdout: 'out\n',
    stderr: 'no way\n',
    message: /^sh -c .*: exit status 3: no way$/,
  })
  await t.rejects(ns.exec('sh', ['-c', 'kill -TERM $$']), { message: /: SIGTERM$/ })
  await t.rejects(ns.exec('yes', [], { maxBuffer: 10_000 }), {
    name: 'ExecError',
    message: 'yes: wrote more than 10000 bytes (maxBuffer)',
  })
})

t.test('what cannot be started', async (t) => {
  using ns = NetNs.create()
  const folder = t.testdir({ plain: 'text', script: '#!/nowhere/interpreter\n' })
  chmodSync(join(folder, 'script'), 0o755)
  const plain = join(folder, 'plain')
  const cases: [string, SpawnOptions, { code: string; syscall: string }, string][] = [
    ['no-such-program', {}, { code: 'ENOENT', syscall: 'execve' }, 'no-such-program'],
    ['/no/such/program', {}, { code: 'ENOENT', syscall: 'execve' }, '/no/such/program'],
    [plain, {}, { code: 'EACCES', syscall: 'execve' }, plain],
    [folder, {}, { code: 'EACCES', syscall: 'execve' }, folder],
    [join(folder, 'script'), {}, { code: 'ENOENT', syscall: 'execve' }, 'script'],
    ['true', { cwd: '/no/folder' }, { code: 'ENOENT', syscall: 'chdir' }, '/no/folder'],
    ['true', { cwd: plain }, { code: 'ENOTDIR', syscall: 'chdir' }, plain],
    ['true', { env: { PATH: folder } }, { code: 'ENOENT', syscall: 'execve' }, 'true'],
    ['plain', { env: { PATH: folder } }, { code: 'EACCES', syscall: 'execve' }, 'plain'],
  ]
  for (const [command, options, expected, subject] of cases) {
    const error = syscallError(() => ns.spawn(command, [], options))
    t.match(error, { op: 'netns.spawn', ...expected }, command)
    t.ok(error.message.includes(subject), error.message)
    await t.rejects(ns.exec(command, [], options), expected)
  }
  writeFileSync(join(folder, 'binary'), 'neither ELF nor script')
  chmodSync(join(folder, 'binary'), 0o755)
  t.equal(syscallError(() => ns.spawn(join(folder, 'binary'))).code, 'ENOEXEC')
})

t.test('bad arguments', async (t) => {
  using ns = NetNs.create()
  const bad: [string, unknown[]][] = [
    ['command', ['']],
    ['command', [7]],
    ['command', ['a\0b']],
    ['args', ['true', 'x']],
    ['args.1', ['true', ['a', 7]]],
    ['args.0', ['true', ['a\0b']]],
    ['cwd', ['true', [], { cwd: '' }]],
    ['env', ['true', [], { env: 'PATH=/' }]],
    ['env', ['true', [], { env: { 'A=B': 'c' } }]],
    ['env.A', ['true', [], { env: { A: 7 } }]],
    ['stdio', ['true', [], { stdio: 'tty' }]],
    ['stdio', ['true', [], { stdio: ['pipe', 'pipe'] }]],
    ['signal', ['true', [], { signal: {} }]],
    ['killSignal', ['true', [], { killSignal: 'SIGNOTHING' }]],
  ]
  for (const [field, args] of bad) {
    const call = () => ns.spawn(...(args as Parameters<NetNs['spawn']>))
    t.throws(call, { name: 'TypeError', message: new RegExp(`^${field}: `) }, field)
  }
  await t.rejects(ns.exec('cat', [], { input: 7 as never }), /^input: /)
  await t.rejects(ns.exec('cat', [], { maxBuffer: 0 }), /^maxBuffer: /)
  const child = ns.spawn('sleep', ['1000'], { stdio: 'ignore' })
  t.throws(() => child.kill('SIGWHAT' as never), /^signal: SIGWHAT/)
  t.equal(child.kill(0), true, 'it runs on')
  child.kill('SIGKILL')
  await child.exited
})

t.test('a closed namespace', async (t) => {
  const ns = NetNs.create()
  ns.close()
  const expected = { name: 'TypeError', message: /not an open namespace handle/ }
  t.throws(() => ns.spawn('true'), expected)
  await t.rejects(ns.exec('true'), expected)
})

t.test('a child outlives its handle', async (t) => {
  const ns = space('kept')
  const child = ns.spawn('sh', ['-c', 'read x; cat /proc/net/dev'])
  ns.close()
  child.stdin?.end('go\n')
  t.strictSame(names(await text(child.stdout!)), ['kept', 'lo'])
  await child.exited
})

t.test('fifty at once in five namespaces', async (t) => {
  const spaces = Array.from({ length: 5 }, (_, i) => space(`home${i}`))
  t.teardown(() => spaces.forEach((ns) => ns.close()))
  const before = threadNamespaces()
  const runs = Array.from({ length: 50 }, async (_, i) => {
    const script = `read word; echo $word; cat /proc/net/dev; exit 0`
    const ns = spaces[i % 5] as NetNs
    const { stdout } = await ns.exec('sh', ['-c', script], { input: `word${i}\n` })
    return [stdout.split('\n')[0], ...names(stdout)]
  })
  const answers = await Promise.all(runs)
  t.strictSame(
    answers,
    answers.map((_, i) => [`word${i}`, `home${i % 5}`, 'lo']),
  )
  t.strictSame(threadNamespaces(), before)
})

t.test('what the child inherits', async (t) => {
  using ns = NetNs.create()
  const { stdout } = await ns.exec('ls', ['/proc/self/fd'])
  // The fourth is the folder that ls reads.
  t.equal(stdout, '0\n1\n2\n3\n')
  const status = await ns.exec('cat', ['/proc/self/status'])
  t.match(status.stdout, /^SigBlk:\t0+$/m)
  const ignored = BigInt(`0x${/^SigIgn:\t(\w+)$/m.exec(status.stdout)?.[1]}`)
  const SIGPIPE = 13n
  t.equal((ignored >> (SIGPIPE - 1n)) & 1n, 0n, 'Node ignores it, the child does not')
  const env = await ns.exec('env', [], {
    env: { A: 'b', NOT: undefined, PATH: '/usr/bin' },
  })
  t.equal(env.stdout, 'A=b\nPATH=/usr/bin\n')
  const cwd = t.testdir()
  t.equal((await ns.exec('pwd', ['-P'], { cwd })).stdout, `${cwd}\n`)
  t.not(process.cwd(), cwd)
})

t.test('an AbortSignal kills it', async (t) => {
  using ns = NetNs.create()
  const reason = new Error('enough')
  t.throws(
    () => ns.spawn('sleep', ['1000'], { signal: AbortSignal.abort(reason) }),
    reason,
  )
  const first = new AbortController()
  const child = ns.spawn('sleep', ['1000'], { signal: first.signal })
  first.abort()
  t.strictSame(await child.exited, { code: null, signal: 'SIGTERM' })
  const second = new AbortController()
  const stubborn = ns.spawn(
    'sh',
    ['-c', 'trap "" TERM; echo up; while :; do sleep 1; done'],
    {
      signal: second.signal,
      killSignal: 'SIGKILL',
    },
  )
  await once(stubborn.stdout!, 'data')
  second.abort()
  t.strictSame(await stubborn.exited, { code: null, signal: 'SIGKILL' })
  const third = new AbortController()
  const running = ns.exec('sleep', ['1000'], { signal: third.signal })
  third.abort(reason)
  await t.rejects(running, reason)
  const fourth = new AbortController()
  t.equal((await ns.exec('echo', ['x'], { signal: fourth.signal })).stdout, 'x\n')
  t.strictSame(getEventListeners(fourth.signal, 'abort'), [], 'no listener is left')
  fourth.abort()
})

t.test('exec does not wait for what the program left behind', async (t) => {
  using ns = NetNs.create()
  const file = join(t.testdir(), 'pid')
  const controller = new AbortController()
  const script = `sleep 1000 & echo $! > ${file}.new; mv ${file}.new ${file}; wait`
  const running = ns.exec('sh', ['-c', script], { signal: controller.signal })
  while (!existsSync(file)) await new Promise((resolve) => setImmediate(resolve))
  const left = Number(readFileSync(file, 'utf8'))
  t.teardown(() => process.kill(left, 'SIGKILL'))
  controller.abort()
  await t.rejects(running, { name: 'AbortError' })
  t.equal(process.kill(left, 0), true, 'it holds the streams still')
  t.strictSame(getEventListeners(controller.signal, 'abort'), [])
})

t.test('no descriptor and no thread is left', async (t) => {
  using ns = NetNs.create()
  const count = (what: string) => readdirSync(`/proc/self/${what}`).length
  const some = async () => {
    await Promise.all(
      Array.from({ length: 10 }, () => ns.exec('cat', [], { input: 'x' })),
    )
    syscallError(() => ns.spawn('no-such-program'))
    syscallError(() => ns.spawn('true', [], { cwd: '/no/folder' }))
    const child = ns.spawn('true', [], { stdio: 'ignore' })
    await child.exited
  }
  await some()
  const [fds, threads] = [count('fd'), count('task')]
  for (let i = 0; i < 5; i++) await some()
  // A stream's descriptor may be closed a turn after its program's end is told.
  await until('no descriptor to be left', () => count('fd') <= fds)
  await until('no thread to be left', () => count('task') <= threads)
  t.pass('as many as before')
})

t.test("Node's own children are not disturbed", async (t) => {
  using ns = NetNs.create()
  const { spawn } = await import('node:child_process')
  const codes = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const args = ['-c', `exit ${i}`]
      if (i % 2) return (await ns.spawn('sh', args, { stdio: 'ignore' }).exited).code
      return (await once(spawn('sh', args), 'exit'))[0] as number
    }),
  )
  t.strictSame(
    codes,
    Array.from({ length: 20 }, (_, i) => i),
  )
})

const WORKER = new URL('spawn-worker.mjs', import.meta.url)
const PLAIN = { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } }

t.test('in worker threads', async (t) => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      const worker = new Worker(WORKER, { ...PLAIN, workerData: { name: `own${i}` } })
      const [table] = (await once(worker, 'message')) as [string]
      await worker.terminate()
      return names(table)
    }),
  )
  answers.forEach((links, i) => t.strictSame(links, ['lo', `own${i}`]))
  const leaving = new Worker(WORKER, { ...PLAIN, workerData: { name: 'x', leave: true } })
  const [pid] = (await once(leaving, 'message')) as [number]
  t.equal(await leaving.terminate(), 1)
  t.equal(process.kill(pid, 0), true, 'the child of a worker that ended runs on')
  process.kill(pid, 'SIGKILL')
})

t.test('a process that ends while a child runs', async (t) => {
  const library = fileURLToPath(new URL('../../dist/esm/index.js', import.meta.url))
  const script = (end: string) => `
    import { NetNs } from ${JSON.stringify(library)}
    const child = NetNs.create().spawn('sleep', ['1000'], { stdio: 'ignore' })
    console.log(child.pid)
    ${end}`
  for (const [end, code] of [
    ['process.exit(5)', 5],
    ['child.unref()', 0],
  ] as const) {
    const done = spawnSync(process.execPath, ['--input-type=module', '-e', script(end)], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    t.equal(done.status, code, done.stderr)
    const pid = Number(done.stdout)
    t.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^sleep/, 'it runs on')
    process.kill(pid, 'SIGKILL')
  }
})
