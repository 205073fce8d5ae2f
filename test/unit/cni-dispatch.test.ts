import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { runPlugin } from '../../dist/esm/cni/plugin/dispatch.js'
import { CniCode, CniError, toCniError } from '../../dist/esm/cni/spec/errors.js'
import {
  definePlugin,
  type Plugin,
  type PluginCall,
} from '../../dist/esm/cni/plugin/plugin.js'
import { HostProcess, processHost } from '../../dist/esm/host/process-host.js'

const shared = new HostProcess(process.pid)
const logDir = mkdtempSync(join(tmpdir(), 'cni-dispatch-'))
const conf = { cniVersion: '0.3.1', name: 'azure', type: 'demo' }
const env = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/c1',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
  VNET_CNI_LOG_DIR: logDir,
}
const result = { ips: [{ address: '10.0.0.5/24' }] }

interface Given {
  plugin?: Partial<Plugin>
  env?: Record<string, string | undefined>
  stdin?: unknown
  onFatal?: (report: (reason: unknown) => void) => () => void
}

/** Runs a plug-in that answers well, changed by what a test gives. */
async function run(given: Given = {}) {
  const calls: PluginCall[] = []
  let stdout = ''
  let stderr = ''
  let reads = 0
  const plugin = definePlugin({
    name: 'demo',
    version: '0.1.0',
    supportedVersions: ['0.3.0', '0.3.1'],
    about: 'a plug-in for tests',
    add: (call) => (calls.push(call), result),
    del: (call) => void calls.push(call),
    ...given.plugin,
  })
  const { stdin = conf } = given
  const ownEnv = { ...env, ...given.env }
  const io = {
    env: ownEnv,
    stdin: () => {
      reads++
      if (stdin instanceof Error) throw stdin
      return typeof stdin === 'string' ? stdin : JSON.stringify(stdin)
    },
    stdout: (text: string) => void (stdout += text),
    stderr: (text: string) => void (stderr += text),
    ...(given.onFatal && { onFatal: given.onFatal }),
  }
  const code = await runPlugin(plugin, io, async () => processHost(shared, ownEnv))
  return { code, stdout, stderr, reads, calls, json: stdout ? JSON.parse(stdout) : {} }
}

t.test('ADD prints the result and nothing else', async (t) => {
  const { code, json, stderr, calls } = await run({
    env: { CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=web' },
    stdin: { ...conf, more: 1, prevResult: { ips: [{ address: '10.9.0.1/24' }] } },
  })
  t.equal(code, 0)
  t.equal(stderr, '')
  t.strictSame(json, {
    cniVersion: '0.3.1',
    ips: [{ version: '4', address: '10.0.0.5/24' }],
    dns: {},
  })
  t.equal(calls.length, 1)
  t.match(calls[0], {
    command: 'ADD',
    containerId: 'c1',
    netns: '/run/netns/c1',
    ifname: 'eth0',
    path: ['/opt/cni/bin', '/usr/lib/cni'],
    config: { name: 'azure', more: 1 },
    cniVersion: '0.3.1',
    prevResult: { ips: [{ address: '10.9.0.1/24' }] },
    owner: { network: 'azure', containerId: 'c1', ifname: 'eth0' },
  })
  t.equal(calls[0]?.args.get('K8S_POD_NAME'), 'web')
})

t.test('DEL prints nothing, needs no netns, lives with a bad prevResult', async (t) => {
  const gone = await run({ env: { CNI_COMMAND: 'DEL', CNI_NETNS: '' } })
  t.strictSame([gone.code, gone.stdout, gone.calls[0]?.netns], [0, '', ''])
  const bad = await run({
    env: { CNI_COMMAND: 'DEL' },
    stdin: { ...conf, prevResult: { ips: [{ address: 'x' }] } },
  })
  t.strictSame([bad.code, bad.stdout, bad.calls.length], [0, '', 1])
  t.notOk('prevResult' in (bad.calls[0] ?? {}))
})

t.test('DEL goes on with any version, level of the log, or arguments', async (t) => {
  const call = async (fields: object, changes = {}) => {
    const stdin = { ...conf, ...fields }
    const { code, stdout, calls } = await run({
      env: { CNI_COMMAND: 'DEL', ...changes },
      stdin,
    })
    return [code, stdout, calls.length]
  }
  for (const cniVersion of ['9.9.9', '0.2.0', '0.1.0', 'x', '', 5, null, {}, undefined]) {
    t.strictSame(await call({ cniVersion }), [0, '', 1], `version ${String(cniVersion)}`)
  }
  for (const logLevel of ['loud', 5, null, {}]) {
    t.strictSame(await call({ logLevel }), [0, '', 1], `logLevel ${String(logLevel)}`)
  }
  for (const CNI_ARGS of ['garbage', 'COLOUR=red', ';;', '=']) {
    t.strictSame(await call({}, { CNI_ARGS }), [0, '', 1], `CNI_ARGS ${CNI_ARGS}`)
  }
  for (const name of [undefined, '', 'a/b', 5, null]) {
    const [code, , calls] = await call({ name })
    t.strictSame([code, calls], [1, 0], `it needs the name: ${String(name)}`)
  }
})

t.test('handlers that are loaded on demand', async (t) => {
  const add = () => Promise.resolve({ add: () => ({ ips: [{ address: 'fd00::1/64' }] }) })
  const del = async () => ({
    del: async () => {
      throw new CniError(CniCode.StateUnusable, 'no state')
    },
  })
  t.match((await run({ plugin: { add } })).json, { ips: [{ version: '6' }] })
  const failed = await run({ plugin: { del }, env: { CNI_COMMAND: 'DEL' } })
  t.strictSame(failed.json, { cniVersion: '0.3.1', code: 107, msg: 'no state' })
})

t.test('VERSION needs nothing and answers in the version asked', async (t) => {
  const only = Object.fromEntries(Object.keys(env).map((key) => [key, undefined]))
  for (const [stdin, cniVersion] of [
    ['{"cniVersion":"1.0.0"}', '1.0.0'],
    ['{"cniVersion":7}', '0.3.1'],
    ['', '0.3.1'],
    ['null', '0.3.1'],
    [new Error('closed'), '0.3.1'],
  ] as const) {
    const { code, json } = await run({ stdin, env: { ...only, CNI_COMMAND: 'VERSION' } })
    t.equal(code, 0)
    t.strictSame(json, { cniVersion, supportedVersions: ['0.3.0', '0.3.1'] })
  }
})

t.test('without CNI_COMMAND it explains itself', async (t) => {
  const { code, stdout, stderr, reads } = await run({ env: { CNI_COMMAND: '' } })
  t.strictSame([code, stdout, reads], [0, '', 0])
  t.match(stderr, 'demo 0.1.0: a plug-in for tests')
  t.match(stderr, 'supported: 0.3.0, 0.3.1')
})

t.test('environment: code 4, before stdin is read', async (t) => {
  const cases: [string, Record<string, string | undefined>, RegExp][] = [
    ['unknown verb', { CNI_COMMAND: 'UPDATE' }, /CNI_COMMAND: "UPDATE".*ADD, DEL/],
    ['verb of a prototype', { CNI_COMMAND: 'toString' }, /CNI_COMMAND: "toString"/],
    ['lower case', { CNI_COMMAND: 'add' }, /CNI_COMMAND: "add"/],
    ['no netns', { CNI_NETNS: '' }, /missing: CNI_NETNS: .*ADD/],
    [
      'three at once',
      { CNI_CONTAINERID: '', CNI_NETNS: undefined, CNI_IFNAME: undefined },
      /missing: CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME:/,
    ],
    [
      'DEL',
      { CNI_COMMAND: 'DEL', CNI_CONTAINERID: '', CNI_NETNS: '', CNI_IFNAME: '' },
      /missing: CNI_CONTAINERID,CNI_IFNAME:/,
    ],
    ['GC', { CNI_COMMAND: 'GC', CNI_PATH: '' }, /missing: CNI_PATH:/],
    ['ID with a slash', { CNI_CONTAINERID: 'a/b' }, /CNI_CONTAINERID: "a\/b".*letters/],
    ['ID that begins with a dot', { CNI_CONTAINERID: '.a' }, /CNI_CONTAINERID: ".a"/],
    ['ID with a newline', { CNI_CONTAINERID: 'a\n' }, /CNI_CONTAINERID/],
    ['ifname of 16 bytes', { CNI_IFNAME: 'a'.repeat(16) }, /CNI_IFNAME: .*15 bytes/],
    ['ifname of 16 bytes in 8 letters', { CNI_IFNAME: 'é'.repeat(8) }, /CNI_IFNAME/],
    ['ifname ..', { CNI_IFNAME: '..' }, /CNI_IFNAME: "\.\."/],
    ['ifname with /', { CNI_IFNAME: 'a/b' }, /CNI_IFNAME/],
    ['ifname with :', { CNI_IFNAME: 'eth0:1' }, /CNI_IFNAME/],
    ['ifname with a space', { CNI_IFNAME: 'a b' }, /CNI_IFNAME/],
  ]
  for (const [name, change, msg] of cases) {
    const { code, json, reads, calls } = await run({ env: change })
    t.strictSame([code, json.code, json.cniVersion], [1, 4, '0.3.1'], name)
    t.match(json.msg, msg, name)
    t.strictSame([reads, calls.length], [0, 0], name)
  }
  const args = await run({ env: { CNI_ARGS: 'FOO=1' } })
  t.match(args.json, { code: 4, msg: /CNI_ARGS.*"FOO".*IgnoreUnknown/ })
})

t.test('what is allowed: long IDs, 15-byte names, no CNI_PATH', async (t) => {
  const { code, calls } = await run({
    env: {
      CNI_CONTAINERID: `a${'_.-9'.repeat(100)}`,
      CNI_IFNAME: 'a'.repeat(15),
      CNI_PATH: undefined,
    },
  })
  t.equal(code, 0)
  t.strictSame(calls[0]?.path, [])
})

t.test('config: the code, and a message with field and cure', async (t) => {
  const cases: [string, unknown, number, RegExp, string?][] = [
    ['unreadable', new Error('EIO'), 5, /stdin cannot be read.*EIO/],
    ['empty', '', 6, /stdin is empty: .*network config/],
    ['no JSON', '{"name":', 6, /stdin is not JSON.*JSON object/],
    ['array', '[]', 6, /stdin: \[\] .*JSON object/],
    ['scalar', '1', 6, /JSON object/],
    ['null', 'null', 6, /JSON object/],
    ['no name', { cniVersion: '0.3.0' }, 7, /^name is missing: use letters/, '0.3.0'],
    ['name a number', { ...conf, name: 5 }, 7, /^name: 5 /],
    ['empty name', { ...conf, name: '' }, 7, /^name: "" /],
    ['bad name', { ...conf, name: 'a b' }, 7, /^name: "a b" .*use letters/],
    ['version a number', { ...conf, cniVersion: 1 }, 6, /^cniVersion: 1 .*string/],
    ['no version', { name: 'n' }, 1, /cniVersion "0.1.0".*use 0.3.0 or 0.3.1/],
    ['too new', { ...conf, cniVersion: '1.0.0' }, 1, /"1.0.0" is not supported/],
    ['nonsense', { ...conf, cniVersion: 'x' }, 1, /"x" is not supported/],
    ['log level', { ...conf, logLevel: 'loud' }, 7, /^logLevel: "loud".*debug, info/],
    ['prevResult', { ...conf, prevResult: 3 }, 7, /^prevResult: 3 /],
    [
      'prevResult of another version',
      { ...conf, prevResult: { cniVersion: '0.4.0' } },
      7,
      /^prevResult.cniVersion: "0.4.0" .*"0.3.1"/,
    ],
  ]
  for (const [name, stdin, errorCode, msg, version = '0.3.1'] of cases) {
    const { code, json, calls } = await run({ stdin })
    t.strictSame([code, json.code, json.cniVersion], [1, errorCode, version], name)
    t.match(json.msg, msg, name)
    t.equal(calls.length, 0, name)
  }
  const { json } = await run({ stdin: { ...conf, cniVersion: '1.0.0' } })
  t.equal(json.details, 'config is "1.0.0", demo supports ["0.3.0","0.3.1"]')
})

t.test('verbs that a version or the plug-in does not have: code 1', async (t) => {
  const ask = (CNI_COMMAND: string, cniVersion: string, plugin: Partial<Plugin> = {}) =>
    run({ env: { CNI_COMMAND }, stdin: { ...conf, cniVersion }, plugin })
  for (const verb of ['CHECK', 'GC', 'STATUS']) {
    const { code, json } = await ask(verb, '0.3.1')
    t.strictSame([code, json.code], [1, 1])
    t.match(json.msg, `cniVersion "0.3.1" has no ${verb}`)
  }
  t.match((await ask('GC', '1.0.0')).json.msg, 'came with 1.1.0')
  t.match((await ask('CHECK', '1.0.0')).json.msg, '"1.0.0" is not supported')
  const supportedVersions = ['1.1.0', '0.4.0', '1.0.0']
  const none = await ask('STATUS', '1.1.0', { supportedVersions })
  t.match(none.json, { cniVersion: '1.1.0', code: 1, msg: 'demo has no STATUS' })
  const seen: string[] = []
  const handlers = {
    supportedVersions,
    check: (call: PluginCall) => void seen.push(call.command),
    gc: (call: PluginCall) => void seen.push(call.command),
    status: async (call: PluginCall) => void seen.push(call.command),
  }
  for (const verb of ['CHECK', 'GC', 'STATUS']) {
    const { code, stdout } = await ask(verb, '1.1.0', handlers)
    t.strictSame([code, stdout], [0, ''])
  }
  t.strictSame(seen, ['CHECK', 'GC', 'STATUS'])
  const newest = await ask('ADD', '9.9.9', handlers)
  t.equal(newest.json.cniVersion, '1.1.0')
})

t.test('whatever a handler throws is one error object', async (t) => {
  const netlink = Object.assign(new Error('link.new: EEXIST: File exists'), {
    name: 'NetlinkError',
    code: 'EEXIST',
    errno: 17,
    op: 'link.new',
    step: 2,
    extAck: 'File exists',
    attribute: '',
    undoFailures: [new Error('route.del: EPERM')],
  })
  const syscall = Object.assign(new Error('netns.open: setns: EPERM'), {
    name: 'SyscallError',
    code: 'EPERM',
    syscall: 'setns',
  })
  const cases: [unknown, object][] = [
    [new CniError(100, 'full', 'all 16 used'), { code: 100, details: 'all 16 used' }],
    [new TypeError('x is not a function'), { code: 999, msg: 'x is not a function' }],
    [new RangeError(), { code: 999, msg: 'RangeError' }],
    ['just words', { code: 999, msg: 'thrown: "just words"' }],
    [undefined, { code: 999, msg: 'thrown: undefined' }],
    [null, { code: 999, msg: 'thrown: null' }],
    [10n, { code: 999, msg: 'thrown: 10' }],
    [
      netlink,
      {
        code: 103,
        msg: 'link.new: EEXIST: File exists',
        details:
          'op="link.new", code="EEXIST", errno=17, step=2, extAck="File exists", ' +
          'not undone: Error: route.del: EPERM',
      },
    ],
    [syscall, { code: 103, details: 'syscall="setns", code="EPERM"' }],
    [
      new AggregateError([new Error('a'), new Error('b')]),
      { code: 999, details: 'Error: a\nError: b' },
    ],
  ]
  for (const [thrown, expected] of cases) {
    const sync = (): never => {
      throw thrown
    }
    const rejects = () => Promise.reject(thrown)
    for (const add of [sync, rejects]) {
      const { code, json } = await run({ plugin: { add } })
      t.equal(code, 1)
      t.match(json, { cniVersion: '0.3.1', ...expected })
    }
  }
  const { json } = await run({ plugin: { add: () => undefined as never } })
  t.equal(json.code, 999, 'no result at all')
})

t.test('a fatal event while the handler works is printed once', async (t) => {
  let stopped = 0
  const { code, json } = await run({
    plugin: { add: () => new Promise(() => undefined) },
    onFatal: (report) => {
      setImmediate(report, new Error('boom'))
      setImmediate(report, new Error('again'))
      return () => void stopped++
    },
  })
  t.strictSame([code, json.code, json.msg, stopped], [1, 999, 'boom', 1])
})

t.test('a closed stdout is a failure, told on stderr', async (t) => {
  let stderr = ''
  const plugin = definePlugin({
    name: 'demo',
    version: '0',
    supportedVersions: ['0.3.1'],
    about: '',
    add: () => result,
    del: () => undefined,
  })
  const io = {
    env,
    stdin: () => JSON.stringify(conf),
    stdout: () => {
      throw new Error('EPIPE')
    },
    stderr: (text: string) => void (stderr += text),
  }
  const code = await runPlugin(plugin, io, async () => processHost(shared, env))
  t.equal(code, 1)
  t.match(stderr, 'EPIPE')
})

t.test('the log tells the outcome, never the config', async (t) => {
  const lines = () =>
    readFileSync(join(logDir, 'demo.log'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  await run({ stdin: { ...conf, secret: 'hunter2', logLevel: 'debug' } })
  t.match(lines().slice(-2), [
    { level: 'debug', msg: 'begin', command: 'ADD', containerId: 'c1', ifname: 'eth0' },
    { level: 'info', msg: 'done', ms: Number, result: { cniVersion: '0.3.1' } },
  ])
  const add = (): never => {
    throw new Error('oops')
  }
  await run({ plugin: { add } })
  t.match(lines().at(-1), { level: 'error', code: 999, error: 'oops', stack: /at .*add/ })
  t.notMatch(readFileSync(join(logDir, 'demo.log'), 'utf8'), 'hunter2')
  const { code, stderr } = await run({ env: { VNET_CNI_LOG_DIR: '/proc/nowhere' } })
  t.equal(code, 0, 'a log that cannot be written does not fail the call')
  t.equal(stderr.split('\n').length, 2)
})

t.test('definePlugin refuses versions that do not exist', async (t) => {
  const plugin = { name: 'x', version: '', about: '', add: () => result, del: () => {} }
  t.throws(() => definePlugin({ ...plugin, supportedVersions: [] }), /not be empty/)
  t.throws(() => definePlugin({ ...plugin, supportedVersions: ['0.3.2'] }), /0\.3\.2/)
})

t.test('an error as JSON', async (t) => {
  const error = new CniError(7, 'm')
  t.strictSame(error.toJSON('1.0.0'), { cniVersion: '1.0.0', code: 7, msg: 'm' })
  t.equal(JSON.stringify({ error }), '{"error":{"code":7,"msg":"m"}}')
  t.equal(toCniError(error), error)
})
