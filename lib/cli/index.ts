/**
 * The program vnet-cni: picks a command by its first argument, and loads that one alone.
 */
import { writeAll, type World } from '../host/world.js'
import { VERSION } from '../version.js'
import { EXIT, runCommand, type Command } from './command.js'

const COMMANDS: Record<string, { summary: string; load: () => Promise<Command> }> = {
  attach: {
    summary: 'give a container its network',
    load: async () => (await import('./attach.js')).attach,
  },
  detach: {
    summary: 'take the network of a container away',
    load: async () => (await import('./detach.js')).detach,
  },
  repair: {
    summary: 'bring bridges, tables, SNAT and host ports into the state on record',
    load: async () => (await import('./repair.js')).repair,
  },
  reset: {
    summary: 'give the host its network back and forget all state',
    load: async () => (await import('./reset.js')).reset,
  },
  validate: {
    summary: 'check a network configuration list',
    load: async () => (await import('./validate.js')).validate,
  },
}

/**
 * Runs `vnet-cni ARGS`; answers with the exit code.
 *
 * @param plugins what else the program can be called as, for the help
 */
export async function cli(
  args: readonly string[],
  plugins: readonly string[],
  world: World,
): Promise<number> {
  const { out, err } = world.streams
  const [name = '', ...rest] = args
  if (name === '--version' || name === '-V') {
    writeAll(out, `vnet-cni ${VERSION} (Node ${world.nodeVersion})\n`)
    return EXIT.ok
  }
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    writeAll(name ? out : err, overview(plugins))
    return name ? EXIT.ok : EXIT.usage
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command) return runCommand(await command.load(), rest, world)
  writeAll(
    err,
    `vnet-cni: no command "${name}": use one of ${[...names(), ...plugins].join(', ')}\n`,
  )
  return EXIT.usage
}

function names(): string[] {
  return Object.keys(COMMANDS)
}

function overview(plugins: readonly string[]): string {
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(10)}${summary}`,
  )
  return `vnet-cni ${VERSION}

usage: vnet-cni COMMAND [options]; COMMAND --help tells more

${lines.join('\n')}

Called as ${plugins.join(', ')} it is that CNI plug-in.
`
}
