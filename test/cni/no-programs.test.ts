import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { AzureHost } from '../helpers/azure-host.js'
import type { CniResult } from '../helpers/cni-runner.js'
import {
  callProgram,
  logLines,
  makeHost,
  OUR_PLUGINS,
  runtime,
  type Call,
} from './support/setup.js'

const SECRET = 'never-write-this-into-a-log'
const PORTS = {
  portMappings: [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp' as const },
    { hostPort: 8080, containerPort: 80, protocol: 'udp' as const },
  ],
}

/** Runs a program under strace; answers with its output and the programs it started. */
async function traced(test: Test, host: AzureHost, program: string, call: Call) {
  const file = join(host.folder, `${program}-${call.command}.strace`)
  const tracer = ['strace', '-f', '-qq', '-e', 'trace=execve,execveat', '-o', file]
  // The test runner's own Node options are no part of the program.
  const wrapper = ['env', '-u', 'NODE_OPTIONS', ...tracer]
  const outcome = await callProgram(host, program, { ...call, wrapper })
  test.equal(outcome.code, 0, `${call.command} ${program}: ${outcome.stdout}`)
  test.equal(outcome.stderr, '', 'nothing to complain of')
  const text = readFileSync(file, 'utf8')
  const started = [...text.matchAll(/execve(?:at)?\((?:[^"]*)"([^"]+)"/g)]
  return { outcome, started: started.map(([, path]) => path) }
}

for (const masquerade of [false, true]) {
  t.test(`ADD and DEL start no program, masquerade ${masquerade}`, async (test) => {
    const host = await makeHost(test)
    const runner = runtime(host, { vnet: { masquerade } })
    const env = { CNI_NETNS: await host.addPodNetns('pod') }
    const [vnet, portmap] = runner.conflist.plugins
    const only = (program: string) => [join(OUR_PLUGINS, program)]
    const run = (program: string, command: string, stdin: object) =>
      traced(test, host, program, { command, stdin, env })

    const add = await run('azure-vnet', 'ADD', runner.configFor(vnet!))
    test.strictSame(add.started, only('azure-vnet'), 'ADD of azure-vnet')
    const result = JSON.parse(add.outcome.stdout) as CniResult
    const ports = runner.configFor(portmap!, PORTS, result)
    const map = await run('portmap', 'ADD', ports)
    test.strictSame(map.started, only('portmap'), 'ADD of portmap')
    test.strictSame(JSON.parse(map.outcome.stdout), result, 'the result is passed on')
    const unmap = await run('portmap', 'DEL', ports)
    test.strictSame(unmap.started, only('portmap'), 'DEL of portmap')
    const del = await run('azure-vnet', 'DEL', runner.configFor(vnet!))
    test.strictSame(del.started, only('azure-vnet'), 'DEL of azure-vnet')
    for (const { outcome } of [unmap, del])
      test.equal(outcome.stdout, '', 'DEL is silent')
  })
}

t.test('logs are JSON lines and hold no configuration', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, { vnet: { secret: SECRET }, portmap: { secret: SECRET } })
  const path = await host.addPodNetns('pod')
  const args = `IgnoreUnknown=1;TOKEN=${SECRET}`
  await runner.add('pod', path, 'eth0', { ...PORTS, args })
  await test.rejects(runner.add('pod', path, 'eth0', { ...PORTS, args }))
  await runner.del('pod', path, 'eth0', { ...PORTS, args })
  await callProgram(host, 'azure-vnet', { stdin: { secret: SECRET, name: 5 } })
  for (const program of ['azure-vnet', 'portmap']) {
    const lines = logLines(host, program)
    for (const command of ['ADD', 'DEL'])
      test.ok(
        lines.some((line) => line['command'] === command),
        `${program}: ${command} has a line`,
      )
    for (const line of lines)
      test.match(line, {
        time: /^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
        level: /^(debug|info|warn|error)$/,
        plugin: program,
        pid: Number,
        msg: String,
      })
    const text = readFileSync(join(host.logDir, `${program}.log`), 'utf8')
    test.notMatch(text, SECRET, `${program}: no line has what was on standard input`)
  }
  const failed = logLines(host, 'azure-vnet').filter((line) => line['level'] === 'error')
  test.match(failed, [{ code: 104 }, { code: 7 }], 'failures are there with their codes')
})

t.test('standard output holds one document, standard error none', async (test) => {
  const host = await makeHost(test)
  const runner = runtime(host, { vnet: { logLevel: 'debug' } })
  const netns = await host.addPodNetns('pod')
  const [vnet] = runner.conflist.plugins
  const call = { containerId: 'pod', netns, ifname: 'eth0' }
  const add = await runner.spawn('ADD', 'azure-vnet', runner.configFor(vnet!), call)
  test.equal(add.stderr, '')
  test.type(JSON.parse(add.stdout), 'object')
  const again = await runner.spawn('ADD', 'azure-vnet', runner.configFor(vnet!), call)
  test.match(JSON.parse(again.stdout), { code: 104 })
  test.equal(again.stderr, '', 'errors go to standard output')
  const del = await runner.spawn('DEL', 'azure-vnet', runner.configFor(vnet!), call)
  test.equal(del.stdout + del.stderr, '')
})
