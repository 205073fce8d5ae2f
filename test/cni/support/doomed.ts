/** Calls that do not come to their end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CniRunner } from '../../helpers/cni-runner.js'
import { OUR_PLUGINS } from './setup.js'

/** When to end a call: after so many milliseconds, or at one of its system calls. */
export type Moment = { ms: number; stopMs?: number } | { syscalls: string; nth: number }

/** An attachment, as azure-vnet is told of it. */
export interface Attachment {
  containerId: string
  netns: string
  ifname?: string
}

// Nothing between the tracer and the program forks, so the child is the program itself.
function commandLine(runner: CniRunner, moment: Moment): string[] {
  const enter = ['ip', 'netns', 'exec', runner.host.names.vm]
  const plain = [...enter, 'env', '-u', 'NODE_OPTIONS']
  const program = join(OUR_PLUGINS, 'azure-vnet')
  if ('ms' in moment) return [...plain, program]
  const when = `inject=${moment.syscalls}:signal=KILL:when=${moment.nth}`
  const tracer = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', when]
  return [...plain, ...tracer, '-e', `trace=${moment.syscalls}`, program]
}

/**
 * Runs a verb of azure-vnet and kills it with SIGKILL at a moment; true when that came
 * before its end.
 */
export async function killCall(
  runner: CniRunner,
  command: 'ADD' | 'DEL',
  { containerId, netns, ifname = 'eth0' }: Attachment,
  moment: Moment,
): Promise<boolean> {
  const [program = '', ...args] = commandLine(runner, moment)
  const variables = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_ARGS: '',
    CNI_PATH: OUR_PLUGINS,
  }
  const child = spawn(program, args, {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, ...runner.host.env, ...variables },
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(runner.configFor(runner.conflist.plugins[0]!)))
  if ('ms' in moment) {
    await sleep(moment.ms)
    if (moment.stopMs !== undefined) {
      child.kill('SIGSTOP')
      await sleep(moment.stopMs)
    }
    child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  return signal === 'SIGKILL' || code === 137
}
