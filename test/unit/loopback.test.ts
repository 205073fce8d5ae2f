import t from 'tap'
import type { NetNs } from 'vnet-cni'
import { definePlugin } from '../../dist/esm/cni/plugin/plugin.js'
import { openSandbox } from '../../dist/esm/cni/plugin/sandbox.js'
import { toError } from '../../dist/esm/errors.js'
import loopback from '../../dist/esm/plugins/loopback/index.js'
import { FakeMachine } from '../helpers/fake-host.js'
import { callPlugin, WRONG_VALUES } from '../helpers/plugin-call.js'

const PATH = '/run/netns/c1'
const conf = { cniVersion: '0.3.1', name: 'net', type: 'loopback' }

/** A machine with a container whose lo has these addresses, as the kernel gives them. */
function withPod(...addresses: string[]): { m: FakeMachine; pod: NetNs } {
  const m = new FakeMachine()
  const pod = m.pod(PATH)
  const plan = pod.plan()
  for (const address of addresses) plan.address.add({ link: 'lo', address })
  plan.runSync()
  return { m, pod }
}

t.test('lo comes up, and its addresses are told', async (t) => {
  const both = ['127.0.0.1/8', '::1/128']
  const cases: [string[], string[]][] = [
    [both, both],
    [both.toReversed(), both],
    [['127.0.0.1/8'], ['127.0.0.1/8']],
    [['10.9.9.9/32', '127.0.0.1/8', 'fd00::1/128'], ['127.0.0.1/8']],
  ]
  for (const [has, told] of cases) {
    const { m, pod } = withPod(...has)
    const { code, json } = await callPlugin(m, loopback, { stdin: conf })
    t.equal(code, 0)
    t.strictSame(json, {
      cniVersion: '0.3.1',
      interfaces: [{ name: 'lo', mac: '00:00:00:00:00:00', sandbox: PATH }],
      ips: told.map((address) => ({
        version: address.includes(':') ? '6' : '4',
        interface: 0,
        address,
      })),
      dns: {},
    })
    t.ok(pod.sync.link.read('lo')?.up)
  }
})

t.test('a result before it is passed on', async (t) => {
  const { m } = withPod('127.0.0.1/8')
  const prevResult = { ips: [{ version: '4', address: '10.0.0.5/24' }] }
  const { json } = await callPlugin(m, loopback, { stdin: { ...conf, prevResult } })
  t.match(json, prevResult)
})

t.test('CNI_ARGS does not concern loopback', async (t) => {
  const { m } = withPod('127.0.0.1/8')
  for (const text of ['none', 'FOO=1', '=;=']) {
    for (const command of ['ADD', 'DEL']) {
      const { code } = await callPlugin(m, loopback, {
        command,
        env: { CNI_ARGS: text },
        stdin: conf,
      })
      t.equal(code, 0, `${command} ${text}`)
    }
  }
})

t.test('a namespace that is none: the variable and the cure', async (t) => {
  const m = new FakeMachine()
  const { json } = await callPlugin(m, loopback, { stdin: conf })
  t.match(json, {
    code: 4,
    msg: `CNI_NETNS: ${PATH} cannot be opened: ENOENT`,
    details: /^Give the path of a network namespace, such as/,
  })
})

t.test('what does nothing is named in the log', async (t) => {
  const { m } = withPod('127.0.0.1/8')
  const { log } = await callPlugin(m, loopback, { stdin: { ...conf, loglevel: 'debug' } })
  t.match(
    log.filter(({ level }) => level === 'warn'),
    [{ msg: 'loglevel is not a known field: did you mean logLevel?' }],
  )
})

t.test('DEL works with every member of the config broken in turn', async (t) => {
  const m = new FakeMachine()
  const members = ['type', 'prevResult', 'runtimeConfig', 'args', 'logLevel', 'dns', 'x']
  for (const member of members) {
    for (const value of WRONG_VALUES) {
      const stdin = { ...conf, [member]: value }
      const { code, stdout } = await callPlugin(m, loopback, { command: 'DEL', stdin })
      t.strictSame({ code, stdout }, { code: 0, stdout: '' }, member)
    }
  }
})

t.test('ADD does not pass over what it cannot read', async (t) => {
  const { m } = withPod('127.0.0.1/8')
  const plugin = definePlugin({ ...loopback, knownArgs: ['FOO'] })
  const wrong: [object, Record<string, string>, { code: number; msg: RegExp }][] = [
    [{ logLevel: 'loud' }, {}, { code: 7, msg: /^logLevel: "loud"/ }],
    [{ prevResult: 5 }, {}, { code: 7, msg: /^prevResult: 5/ }],
    [{}, { CNI_ARGS: 'none' }, { code: 4, msg: /^CNI_ARGS: "none"/ }],
  ]
  for (const [more, env, expected] of wrong) {
    const add = await callPlugin(m, plugin, { env, stdin: { ...conf, ...more } })
    t.match(add.json, expected)
    const del = await callPlugin(m, plugin, {
      command: 'DEL',
      env,
      stdin: { ...conf, ...more },
    })
    t.equal(del.code, 0, 'DEL does')
    t.match(
      del.log.filter(({ level }) => level === 'warn'),
      [{ msg: /is left aside$/, reason: expected.msg }],
      'and says so',
    )
  }
  const known = await callPlugin(m, plugin, { env: { CNI_ARGS: 'FOO=1' }, stdin: conf })
  t.equal(known.code, 0)
})

t.test('opening a sandbox', async (t) => {
  const { m, pod } = withPod()
  m.namespaces.set('/proc/self/ns/net', m.host)
  const host = m.call()
  using own = openSandbox({ host, netns: '/proc/self/ns/net' })
  t.ok(own.equals(m.host), 'where it does not matter, any namespace will do')
  using sandbox = openSandbox({ host, netns: PATH }, host.current())
  t.ok(sandbox.equals(pod))
  t.throws(() => openSandbox({ host, netns: '/proc/self/ns/net' }, host.current()), {
    code: 8,
    msg: 'CNI_NETNS: /proc/self/ns/net is the namespace of this plug-in itself',
  })
  const failure = (errno: number) => {
    const open = (): never => {
      const wire = { op: 'netns.open', errno, syscall: 'setns', step: 0 }
      throw toError({ ...wire, extAck: '', attribute: '' })
    }
    return { host: { ...host, open }, netns: '/etc/passwd' }
  }
  t.throws(() => openSandbox(failure(22)), {
    code: 4,
    msg: 'CNI_NETNS: /etc/passwd is no network namespace',
  })
  t.throws(() => openSandbox(failure(13)), { message: /cannot be opened: EACCES$/ })
  const broken = {
    ...host,
    open: () => {
      throw new TypeError('closed')
    },
  }
  t.throws(() => openSandbox({ host: broken, netns: PATH }), TypeError)
})
