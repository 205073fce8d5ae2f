import t, { type Test } from 'tap'
import { join } from 'node:path'
import { run, type Outcome } from '../helpers/process.js'
import {
  callProgram,
  complaintOf,
  GO_PLUGINS,
  makeHost,
  OUR_PLUGINS,
} from './support/setup.js'

const PROGRAMS = ['azure-vnet', 'azure-vnet-ipam', 'portmap', 'loopback']
const NOBODY = '65534'

/** Runs a program with this environment and nothing else. */
function bare(
  program: string,
  env: Record<string, string>,
  input = '',
): Promise<Outcome> {
  const settings = Object.entries(env).map(([key, value]) => `${key}=${value}`)
  const path = join(OUR_PLUGINS, program)
  return run('env', ['-i', 'PATH=/usr/bin:/bin', ...settings, path], { input })
}

function checkVersions(test: Test, outcome: Outcome, cniVersion: string): void {
  test.equal(outcome.code, 0, outcome.stderr)
  const answer = JSON.parse(outcome.stdout) as { supportedVersions: string[] }
  test.match(answer, { cniVersion })
  test.ok(answer.supportedVersions.includes('0.3.0'), 'supports the version of the seed')
  test.equal(outcome.stderr, '')
}

for (const program of PROGRAMS) {
  t.test(`${program}: VERSION needs no other variable`, async (test) => {
    const VERSION = { CNI_COMMAND: 'VERSION' }
    const asked = await bare(program, VERSION, '{"cniVersion":"0.4.0"}')
    checkVersions(test, asked, '0.4.0')
    for (const input of ['', 'no JSON', '[]', '{"cniVersion":5}']) {
      const outcome = await bare(program, VERSION, input)
      test.equal(outcome.code, 0, `whatever is on stdin: ${input}`)
      test.match(JSON.parse(outcome.stdout), { cniVersion: /^\d+\.\d+\.\d+$/ })
    }
  })

  t.test(`${program}: without a command it says what it is`, async (test) => {
    const outcome = await bare(program, {})
    test.equal(outcome.code, 0)
    test.equal(outcome.stdout, '', 'standard output is for documents')
    test.match(outcome.stderr, new RegExp(`^${program} \\d+\\.\\d+\\.\\d+: `))
    test.match(outcome.stderr, '0.3.0')
  })
}

t.test('VERSION works for a user without rights and touches nothing', async (test) => {
  const host = await makeHost(test)
  const before = await host.snapshot()
  for (const program of PROGRAMS) {
    const unprivileged = [
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      '--inh-caps=-all',
    ]
    // The test runner's own Node options want to write files.
    const line = ['-u', 'NODE_OPTIONS', 'setpriv', ...unprivileged]
    const outcome = await run('env', [...line, join(OUR_PLUGINS, program)], {
      env: { CNI_COMMAND: 'VERSION', ...host.env },
      input: '{"cniVersion":"1.0.0"}',
    })
    checkVersions(test, outcome, '1.0.0')
  }
  test.strictSame(await host.changesSince(before), [], 'no state, no lock')
})

t.test('loopback checks its input too', async (test) => {
  const host = await makeHost(test)
  const outcome = await callProgram(host, 'loopback', { stdin: {} })
  test.equal(complaintOf(test, outcome).code, 7)
})

t.test('loopback brings lo up', async (test) => {
  const host = await makeHost(test)
  const path = await host.addPodNetns('pod', { loUp: false })
  const stdin = { cniVersion: '0.3.1', name: 'lo', type: 'loopback' }
  const env = { CNI_NETNS: path, CNI_IFNAME: 'lo' }
  const outcome = await callProgram(host, 'loopback', { stdin, env })
  test.equal(outcome.code, 0, outcome.stdout)
  test.match(JSON.parse(outcome.stdout), {
    cniVersion: '0.3.1',
    interfaces: [{ name: 'lo', sandbox: path }],
    ips: [
      { version: '4', address: '127.0.0.1/8', interface: 0 },
      { version: '6', address: '::1/128', interface: 0 },
    ],
  })
  test.ok(await host.ping('pod', '127.0.0.1'), 'the container reaches itself')
  const del = await callProgram(host, 'loopback', { command: 'DEL', stdin, env })
  test.equal(del.code, 0)
  test.equal(del.stdout, '')
})

t.test('loopback says what the reference plug-in says', async (test) => {
  const host = await makeHost(test)
  const stdin = { cniVersion: '0.3.1', name: 'lo', type: 'loopback' }
  for (const isV6Off of [false, true]) {
    const path = await host.addPodNetns(`pod${Number(isV6Off)}`, { loUp: false })
    const pod = `pod${Number(isV6Off)}`
    if (isV6Off)
      await host.execIn(pod, 'sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1'])
    const env = { CNI_NETNS: path, CNI_IFNAME: 'lo', CNI_ARGS: 'none' }
    const ours = await callProgram(host, 'loopback', { stdin, env })
    const reference = await host.exec(join(GO_PLUGINS, 'loopback'), [], {
      input: JSON.stringify(stdin),
      env: { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c', CNI_PATH: GO_PLUGINS, ...env },
    })
    test.equal(reference.code, 0, reference.stdout)
    test.match(JSON.parse(ours.stdout), JSON.parse(reference.stdout))
    test.equal(ours.stdout.includes('::1/128'), !isV6Off)
    const del = await callProgram(host, 'loopback', { command: 'DEL', stdin, env })
    test.equal(del.code, 0, del.stdout)
  }
})

t.test('loopback names the variable of a namespace that is none', async (test) => {
  const host = await makeHost(test)
  const stdin = { cniVersion: '0.3.1', name: 'lo', type: 'loopback' }
  const cases = [
    ['/etc/passwd', 'is no network namespace'],
    ['/run/netns/absent', 'cannot be opened: ENOENT'],
  ] as const
  for (const [path, why] of cases) {
    const outcome = await callProgram(host, 'loopback', {
      stdin,
      env: { CNI_NETNS: path },
    })
    const { code, msg, details } = complaintOf(test, outcome)
    test.strictSame({ code, msg }, { code: 4, msg: `CNI_NETNS: ${path} ${why}` })
    test.match(details, /^Give the path of a network namespace/)
  }
})
