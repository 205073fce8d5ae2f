/** The zoo by hand: what it prints, how it ends, and that nothing stays behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../helpers/build-once.js'
import { HOSTS } from '../helpers/hosts/index.js'
import { run, until } from '../helpers/process.js'
import { NetNs } from '../../dist/esm/index.js'

const ZOO = ['--import', 'tsx', join(ROOT, 'test', 'zoo.ts')]
// The test runner gives its own modules to every child.
const env = { NODE_OPTIONS: undefined }
const zoo = (...args: string[]) =>
  run(process.execPath, [...ZOO, ...args], { cwd: ROOT, env })

t.test('it lists its hosts', async (test) => {
  const { code, stdout, stderr } = await zoo()
  test.equal(code, 0, stderr)
  const lines = stdout.trim().split('\n')
  test.strictSame(
    lines.map((line) => line.split(' ')[0]),
    HOSTS.map(({ name }) => name),
  )
  const json = JSON.parse((await zoo('--json')).stdout) as { name: string }[]
  test.strictSame(
    json.map(({ name }) => name),
    HOSTS.map(({ name }) => name),
  )
  test.equal(new Set(HOSTS.map(({ name }) => name)).size, HOSTS.length, 'each name once')
})

t.test('a wrong call says so in one line', async (test) => {
  for (const [args, words] of [
    [['nothing'], /there is no host nothing: npm run zoo lists them/],
    [['plain', 'docker'], /one host at a time/],
    [['--write', 'file'], /--write needs --matrix/],
    [['--cycles', 'many'], /--cycles many is no number/],
    [['--frob'], /see --help/],
  ] as const) {
    const { code, stdout, stderr } = await zoo(...args)
    test.equal(code, 2)
    test.equal(stdout, '')
    test.match(stderr, words)
    test.equal(stderr.trim().split('\n').length, 1)
  }
  const help = await zoo('--help')
  test.equal(help.code, 0)
  test.match(help.stdout, /--matrix/)
})

t.test('a host stays up until a signal, and then nothing of it is left', async (test) => {
  const child = spawn(process.execPath, [...ZOO, 'plain', '--json'], {
    ...{ cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] as const },
    env: { ...process.env, ...env },
  })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (more: string) => (told += more))
  await until('the host', () => told.trimEnd().endsWith('}'))
  const { host, enter, names } = JSON.parse(told) as {
    host: string
    enter: string
    names: Record<string, string>
  }
  test.equal(host, 'plain')
  const own = Object.values(names)
  test.ok(own.every((name) => NetNs.list().includes(name)))
  const [program = '', ...args] = enter.split(' ')
  const inside = await run(program, [...args, 'ip', '-br', 'addr', 'show', 'eth0'])
  test.match(inside.stdout, /10\.0\.0\.4\/24/, 'it can be entered as it says')
  child.kill('SIGTERM')
  const [code] = (await once(child, 'exit')) as [number]
  test.equal(code, 143)
  test.notOk(own.some((name) => NetNs.list().includes(name)))
})
