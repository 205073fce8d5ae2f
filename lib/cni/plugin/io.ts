/**
 * The world of a plug-in's call: environment, standard streams, and sudden ends.
 */
import type { Environment, World } from '../../host/world.js'
import { readAll, writeAll } from '../../host/world.js'
import { CniCode, CniError, internalError } from '../spec/errors.js'

/** What `runPlugin` knows of the process; tests and other doors give their own. */
export interface PluginIo {
  env: Environment
  /** Reads all of stdin. */
  stdin: () => string
  /** Writes the one JSON document; returns when it is written. */
  stdout: (text: string) => void
  /** Writes text for people. */
  stderr: (text: string) => void
  /**
   * Calls `report` when the call is about to end for a reason that no handler sees: an uncaught
   * exception, a signal, nothing left to wait for. Returns a function that ends the watch.
   */
  onFatal?: (report: (reason: unknown) => void) => () => void
}

/** The streams and signals of a process. */
export function worldIo(world: World): PluginIo {
  const { env, streams } = world
  return {
    env,
    stdin: () => readAll(streams.in),
    stdout: (text) => writeAll(streams.out, text),
    stderr: (text) => writeAll(streams.err, text),
    onFatal: (report) =>
      world.onFatal((event, reason) => {
        if (event === 'exception') report(reason)
        else if (event === 'idle') report(waitsForNothing())
        else report(stoppedBy(event))
      }),
  }
}

function waitsForNothing(): CniError {
  return internalError('the plug-in waits for something that will never come')
}

function stoppedBy(signal: string): CniError {
  return new CniError(CniCode.TryAgain, `stopped by ${signal}: call DEL, then try again`)
}
