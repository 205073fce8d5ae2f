/**
 * Shows the plug-ins at work on a simulated Azure VM, from the first ADD to the proof that
 * nothing is left: `node --import tsx test/demo.ts`, as root.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const HELP = `Usage: node --import tsx test/demo.ts [options]

Builds a simulated Azure VM in network namespaces of its own, connects two pods to it,
tries every path, and takes all of it away again. Needs root; changes nothing else.
The list is told to take the bridge away with its last pod ("bridgeLifetime": "pods"),
so that the end can show that nothing is left; without that field the bridge stays.

  --keep             leave the VM up at the end, until Ctrl-C, and say how to enter it
  --host NAME        a host of the zoo instead of a fresh VM (npm run zoo lists them)
  --json             print one JSON document with all steps instead of text
  --cni-path DIR     other plug-ins (dist/cni)
  --conflist FILE    another network configuration list (conf/10-azure.conflist)
  --help             print this

Exit status: 0 when every step went well, else 1.
`
const OPTIONS = {
  keep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  host: { type: 'string' },
  'cni-path': { type: 'string', default: join(ROOT, 'dist/cni') },
  conflist: { type: 'string', default: join(ROOT, 'conf/10-azure.conflist') },
} as const

function fail(message: string): never {
  process.stderr.write(`demo: ${message}\n`)
  process.exit(1)
}

function readOptions() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch (error) {
    return fail(`${(error as Error).message.split('\n')[0]} (see --help)`)
  }
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options.help) return void process.stdout.write(HELP)
  // What follows is made of it.
  if (!existsSync(join(ROOT, 'dist/esm/index.js')))
    fail('the library is not compiled: npm run build makes it')
  const { missingRequirement } = await import('./helpers/demo/requirements.js')
  const missing = await missingRequirement(options)
  if (missing) fail(missing)
  if (options.host !== undefined) {
    const { HOSTS } = await import('./helpers/hosts/index.js')
    if (!HOSTS.some(({ name }) => name === options.host))
      fail(`there is no host ${options.host}: npm run zoo lists them`)
  }
  const { show } = await import('./helpers/demo/show.js')
  await show(options)
}

await main().catch((error: unknown) => fail(String(error)))
