/**
 * Hosts as people have them, to be entered by hand or to run the matrix on:
 * `node --import tsx test/zoo.ts`, as root.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const HELP = `Usage: npm run zoo -- [options] [HOST]...

Without a host: lists the hosts. With one: builds it in namespaces of its own, says how to
enter it, and leaves it up until Ctrl-C. Needs root; changes nothing else of this machine.

  --matrix           run the matrix on the hosts, on all when none is named
  --cycles N         how many more pods come and go while connections are open (1)
  --write FILE       write the matrix as Markdown
  --json             print one JSON document instead of text
  --cni-path DIR     other plug-ins (dist/cni)
  --help             print this

Exit status: 0 when nothing is broken, 1 when something is or cannot be built, 2 for a wrong
call.
`
const OPTIONS = {
  matrix: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  cycles: { type: 'string', default: '1' },
  write: { type: 'string' },
  'cni-path': { type: 'string', default: join(ROOT, 'dist/cni') },
} as const

function fail(message: string, status = 1): never {
  process.stderr.write(`zoo: ${message}\n`)
  process.exit(status)
}

function readCall() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true })
  } catch (error) {
    return fail(`${(error as Error).message.split('\n')[0]} (see --help)`, 2)
  }
}

async function main(): Promise<void> {
  const { values, positionals } = readCall()
  if (values.help) return void process.stdout.write(HELP)
  const { cycles, matrix } = values
  if (!/^\d+$/.test(cycles)) fail(`--cycles ${cycles} is no number`, 2)
  if (values.write !== undefined && !matrix) fail('--write needs --matrix', 2)
  // What follows is made of it.
  if (!existsSync(join(ROOT, 'dist/esm/index.js')))
    fail('the library is not compiled: npm run build makes it')
  const { openZoo } = await import('./helpers/hosts/keeper.js')
  const { status, message } = await openZoo(positionals, {
    ...{ matrix, json: values.json, cycles: Number(cycles) },
    ...{ cniPath: values['cni-path'], write: values.write },
  })
  if (message !== undefined) fail(message, status)
  process.exitCode = status
}

await main().catch((error: unknown) => fail(String(error)))
