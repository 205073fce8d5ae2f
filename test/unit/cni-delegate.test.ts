import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { delegate, findPlugin } from '../../dist/esm/cni/runtime/delegate.js'
import type { CniError } from '../../dist/esm/cni/spec/errors.js'
import { execProgram } from '../../dist/esm/host/exec.js'

const root = mkdtempSync(join(tmpdir(), 'cni-delegate-'))
const [first, second] = [join(root, 'a'), join(root, 'b')]
mkdirSync(first)
mkdirSync(second)
const CNI_PATH = `${first}::${second}`
const conf = { cniVersion: '0.3.1', name: 'net', ipam: { type: 'x' }, pad: '' }

/** Puts a shell script into the second folder. */
function script(name: string, body: string, mode = 0o755): string {
  const file = join(second, name)
  writeFileSync(file, `#!/bin/sh\n${body}\n`)
  chmodSync(file, mode)
  return name
}

async function run(type: string, verb: 'ADD' | 'DEL' = 'ADD', timeoutMs?: number) {
  let stderr = ''
  let value: unknown
  let error: Partial<CniError> = {}
  const env = { CNI_PATH, PATH: process.env.PATH, CNI_IFNAME: 'eth0', CNI_COMMAND: 'ADD' }
  try {
    value = await delegate(type, verb as 'ADD', conf, {
      host: { exec: execProgram },
      env,
      stderr: (text) => void (stderr += text),
      ...(timeoutMs && { timeoutMs }),
    })
  } catch (thrown) {
    error = thrown as CniError
  }
  return { value, error, stderr }
}

t.test('ADD: environment, config and stderr reach where they belong', async (t) => {
  const type = script(
    'good',
    `cat > ${root}/stdin; echo "$CNI_COMMAND $CNI_IFNAME" >&2
     echo '{"ips":[{"version":"4","address":"10.0.0.5/24"}],"dns":{}}'`,
  )
  const { value, stderr } = await run(type)
  t.strictSame(value, { ips: [{ address: '10.0.0.5/24' }] })
  t.equal(stderr, 'ADD eth0\n')
  const { readFileSync } = await import('node:fs')
  t.strictSame(JSON.parse(readFileSync(`${root}/stdin`, 'utf8')), conf)
})

t.test('a result in a version of its own', async (t) => {
  const old = script('old', `echo '{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24"}}'`)
  t.strictSame((await run(old)).value, { ips: [{ address: '10.0.0.5/24' }] })
})

t.test('DEL gives nothing, even from a plug-in that does not read stdin', async (t) => {
  conf.pad = 'x'.repeat(300_000)
  const { value, error, stderr } = await run(
    script('quick', 'echo "$CNI_COMMAND" >&2'),
    'DEL',
  )
  conf.pad = ''
  t.strictSame([value, error, stderr], [undefined, {}, 'DEL\n'])
})

t.test('failures', async (t) => {
  const cases: [string, string, object][] = [
    [
      'own error',
      `echo '{"code":11,"msg":"busy","details":"d"}'; exit 1`,
      { code: 11, msg: 'own error: busy', details: 'd' },
    ],
    [
      'words only',
      'echo no such pool >&2; exit 3',
      { code: 105, msg: 'words only: ADD exited with 3', details: 'no such pool' },
    ],
    ['killed', 'kill -9 $$', { code: 105, msg: 'killed: ADD was ended by SIGKILL' }],
    ['mute', 'exit 0', { code: 105, msg: /mute: ADD gave no JSON object/ }],
    ['list', 'echo []', { code: 105, msg: /list: ADD gave no JSON object/ }],
    [
      'bad address',
      `echo '{"ips":[{"address":"x"}]}'`,
      { code: 105, msg: /bad address: .*result\.ips\[0\]\.address: "x"/ },
    ],
    [
      'future',
      `echo '{"cniVersion":"9.0.0"}'`,
      { code: 105, msg: /future: .*"9\.0\.0"/ },
    ],
  ]
  for (const [name, body, expected] of cases) {
    t.match((await run(script(name, body))).error, expected, name)
  }
  const slow = await run(script('slow', 'exec sleep 20'), 'ADD', 200)
  t.match(slow.error, { code: 105, msg: 'slow: ADD did not end within 0.2 s' })
  const notProgram = join(second, 'broken')
  writeFileSync(notProgram, '#!/no/such/shell\n', { mode: 0o755 })
  t.match((await run('broken')).error, { code: 105, msg: /broken: ADD could not run/ })
})

t.test('finding a plug-in', async (t) => {
  script('twice', '')
  writeFileSync(join(first, 'twice'), '', { mode: 0o755 })
  t.equal(findPlugin('twice', CNI_PATH), join(first, 'twice'), 'the first folder wins')
  script('data', '', 0o644)
  mkdirSync(join(second, 'folder'))
  for (const type of ['absent', 'data', 'folder']) {
    t.throws(() => findPlugin(type, CNI_PATH), {
      code: 105,
      msg: `${type}: not found (ipam.type): searched ${first}, ${second}: install it`,
    })
  }
  t.throws(() => findPlugin('x', ''), { code: 105, msg: /CNI_PATH is empty/ })
  for (const type of ['../b/twice', '/bin/sh', '', '..']) {
    const msg = `type: ${JSON.stringify(type)} is not valid: use the file name`
    t.throws(() => findPlugin(type, CNI_PATH, 'type'), { code: 7, msg })
  }
})
