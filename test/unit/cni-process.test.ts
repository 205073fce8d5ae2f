import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'

const dist = new URL('../../dist/esm/', import.meta.url).href
const env = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/c1',
  CNI_IFNAME: 'eth0',
  VNET_CNI_LOG_DIR: mkdtempSync(join(tmpdir(), 'cni-process-')),
}
const conf = JSON.stringify({ cniVersion: '0.3.1', name: 'net' })

/** A process with a plug-in whose ADD has this body. */
function start(add: string, change: Record<string, string> = {}): ChildProcess {
  const code = `
    import { pluginMain } from '${dist}plugins/process.js'
    import { definePlugin } from '${dist}cni/plugin/plugin.js'
    await pluginMain(definePlugin({
      name: 'demo', version: '1', supportedVersions: ['0.3.1'], about: '',
      async add(call) { ${add} }, del() {},
    }))`
  const args = ['--input-type=module', '-e', code]
  return spawn(process.execPath, args, { env: { ...env, ...change } })
}

async function finish(child: ChildProcess, stdin = conf) {
  child.stdin?.end(stdin)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => (stdout += chunk))
  child.stderr?.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stderr, json: JSON.parse(stdout) }
}

t.test('a result longer than a pipe is whole, and so is a long config', async (t) => {
  const add = 'return { extra: { pad: "x".repeat(call.config.pad.length) } }'
  const pad = 'y'.repeat(1_000_000)
  const { code, json } = await finish(
    start(add),
    JSON.stringify({ ...JSON.parse(conf), pad }),
  )
  t.equal(code, 0)
  t.equal(json.pad.length, pad.length)
})

t.test('ends that no handler sees are one error object', async (t) => {
  const cases: [string, string, object][] = [
    [
      'exception in a callback',
      'setTimeout(() => { throw new Error("late") }); await new Promise(() => {})',
      { code: 999, msg: 'late' },
    ],
    [
      'rejection that nobody waits for',
      'Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 5000))',
      { code: 999, msg: 'lost' },
    ],
    ['nothing to wait for', 'await new Promise(() => {})', { code: 999, msg: /never/ }],
    [
      'SIGTERM',
      'process.kill(process.pid, "SIGTERM"); await new Promise((r) => setTimeout(r, 5000))',
      { code: 11, msg: /SIGTERM.*DEL/ },
    ],
  ]
  for (const [name, add, expected] of cases) {
    const { code, json, stderr } = await finish(start(add))
    t.equal(code, 1, name)
    t.match(json, { cniVersion: '0.3.1', ...expected }, name)
    t.equal(stderr, '', name)
  }
})

t.test('VERSION works where only the dispatcher is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cni-version-'))
  const modules = [
    'plugins/process',
    'cni/plugin/dispatch',
    'cni/plugin/io',
    'cni/spec/errors',
    'cni/spec/version',
    'host/world',
    'trace',
  ]
  for (const name of modules) {
    // Beside nothing but each other: any further import would fail.
    const text = readFileSync(new URL(`${name}.js`, dist), 'utf8')
    const file = join(folder, `${name}.mjs`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text.replace(/\.js'/g, ".mjs'"))
  }
  const code = `
    import { pluginMain } from '${folder}/plugins/process.mjs'
    await pluginMain({ name: 'demo', supportedVersions: ['0.3.1'] })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { CNI_COMMAND: 'VERSION' },
  })
  const answer = await finish(child, '{"cniVersion":"0.4.0"}')
  t.strictSame(answer, {
    code: 0,
    stderr: '',
    json: { cniVersion: '0.4.0', supportedVersions: ['0.3.1'] },
  })
})

t.test('VERSION with nothing on stdin', async (t) => {
  const child = start('', { CNI_COMMAND: 'VERSION' })
  const { code, json } = await finish(child, '')
  t.strictSame([code, json.cniVersion], [0, '0.3.1'])
})
