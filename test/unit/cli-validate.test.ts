import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { validate } from '../../dist/esm/cli/validate.js'
import { FakeMachine } from '../helpers/fake-host.js'
import { callCommand } from '../helpers/fake-plugins.js'

const CONFLIST = fileURLToPath(new URL('../../conf/10-azure.conflist', import.meta.url))

const VNET = { type: 'azure-vnet', ipam: { type: 'azure-vnet-ipam' } }

/** Validates a list of these plug-ins, or a text. */
function validator(test: Test) {
  const machine = new FakeMachine()
  test.teardown(() => rmSync(machine.folder, { recursive: true }))
  const file = join(machine.folder, 'list')
  return (plugins: object[] | string, more: object = {}, ...args: string[]) => {
    const list = { cniVersion: '0.3.1', name: 'a', plugins, ...more }
    writeFileSync(file, typeof plugins === 'string' ? plugins : JSON.stringify(list))
    return callCommand(machine, validate, file, ...args)
  }
}

t.test('the list that is installed', async (t) => {
  const check = validator(t)
  t.equal((await check([VNET])).code, 0)
  const machine = new FakeMachine()
  t.teardown(() => rmSync(machine.folder, { recursive: true }))
  const { code, json, stderr, lines } = await callCommand(
    machine,
    validate,
    CONFLIST,
    '--strict',
  )
  t.strictSame([code, stderr], [0, ''])
  t.strictSame(lines, [`${CONFLIST}: network azure, azure-vnet + portmap`])
  t.strictSame(json, {
    name: 'azure',
    cniVersion: '0.3.0',
    plugins: ['azure-vnet', 'portmap'],
    warnings: [],
    errors: [],
  })
})

t.test('every field that does nothing is a warning', async (t) => {
  const check = validator(t)
  const plugins = [
    {
      ...VNET,
      masquarade: true,
      dns: { nameserver: ['1.1.1.1'] },
      ipam: { ...VNET.ipam, queryIntervall: 5 },
      cnsurl: 'http://x',
    },
    { type: 'portmap', capabilities: { portMapings: true }, Snat: false, x: 1 },
    { type: 'loopback', mtu: 5 },
    { type: 'foreign', anything: true },
  ]
  const warnings = [
    'logLevel is not a known field',
    'disableCheck has no effect: it is for runtimes that call CHECK',
    'plugins[0].masquarade is not a known field: did you mean masquerade?',
    'plugins[0].cnsurl has no effect: the container network service is not asked',
    'plugins[0].dns.nameserver is not a known field: did you mean nameservers?',
    'plugins[0].ipam.queryIntervall is not a known field: did you mean queryInterval?',
    'plugins[1].Snat is not a known field: did you mean snat?',
    'plugins[1].x is not a known field',
    'plugins[1].capabilities.portMapings is not a known field: did you mean portMappings?',
    'plugins[2].mtu is not a known field',
  ]
  const more = { logLevel: 'debug', disableCheck: true }
  const done = await check(plugins, more)
  t.strictSame(done.json.warnings, warnings)
  t.strictSame(done.json.errors, [])
  t.equal(done.code, 0)
  const words = warnings.map((text) => `vnet-cni validate: warning: ${text}\n`)
  t.equal(done.stderr, words.join(''))
  const strict = await check(plugins, more, '--strict')
  t.equal(strict.code, 1)
  t.strictSame(strict.json, done.json)
  t.strictSame(strict.lines, [])
})

t.test('every refused field is an error, and what is behind it too', async (t) => {
  const check = validator(t)
  const { code, json, stderr, lines } = await check([
    {
      type: 'azure-vnet',
      multiTenancy: true,
      ipv6Mode: 'ipv6nat',
      executionMode: '',
      mode: 'l2',
      bridge: 'eth%d',
      ipam: { type: 'azure-vnet-ipam', mode: 'overlay', subnet: 'x' },
    },
    {
      type: 'portmap',
      conditionsV4: ['!', '-s', '10.0.0.0/8'],
      masqAll: true,
      snat: 'x',
    },
    { type: 'loopback', logLevel: 'loud' },
  ])
  const expected = [
    /^plugins\[0\]\.multiTenancy: true is not supported: /,
    /^plugins\[0\]\.ipv6Mode: "ipv6nat" is not supported: /,
    /^plugins\[0\]\.ipam\.mode: "overlay" is not supported: /,
    /^plugins\[0\]\.mode: "l2" is not valid: use one of "bridge"/,
    /^plugins\[0\]\.ipam\.subnet: "x" is not valid/,
    /^plugins\[1\]\.conditionsV4: /,
    /^plugins\[1\]\.masqAll: true is not supported/,
    /^plugins\[1\]\.snat: "x" is not valid: use true or false/,
    /^plugins\[2\]\.logLevel: "loud" is not valid/,
  ]
  t.equal(json.errors.length, expected.length)
  t.match(json.errors, expected)
  t.match(json.error, { code: 2, msg: expected[0] })
  t.match(json, {
    name: 'a',
    plugins: ['azure-vnet', 'portmap', 'loopback'],
    warnings: [],
  })
  t.equal(code, 1)
  t.equal(stderr.trim().split('\n').length, expected.length, 'a line each')
  t.strictSame(lines, [])
})

t.test('a version that was never released', async (t) => {
  const check = validator(t)
  const { code, json } = await check([VNET, { type: 'other' }], { cniVersion: '9.9.9' })
  t.strictSame([code, json.errors.length], [1, 1])
  for (const cniVersion of [undefined, '0.1.0', '0.4.0', '1.1.0'])
    t.equal((await check([VNET], { cniVersion })).code, 0, String(cniVersion))
})

t.test('what is wrong with one field is told once', async (t) => {
  const check = validator(t)
  const ipam = { type: 'azure-vnet-ipam', subnet: 5 }
  const { json } = await check([{ type: 'azure-vnet', ipam }])
  t.equal(json.errors.length, 1)
  const foreign = { type: 'host-local', anything: 1, mode: 'overlay' }
  t.strictSame((await check([{ type: 'azure-vnet', ipam: foreign }])).json.warnings, [])
  const none = await check([{ type: 'azure-vnet' }])
  t.match(none.json.errors, [/^plugins\[0\]\.ipam is missing/])
})

t.test('what is no list', async (t) => {
  const check = validator(t)
  for (const [text, code] of [
    ['', 6],
    ['[]', 7],
    ['{ "name": "a" }', 7],
    ['{ "name": "a b", "plugins": [{ "type": "x" }] }', 7],
  ] as const) {
    const done = await check(text)
    t.equal(done.code, 1, text)
    t.match(done.json, { error: { code }, warnings: [] })
    t.equal(done.json.errors.length, 1)
    t.match(done.stderr, /^vnet-cni validate: .*list.*: /)
  }
})
