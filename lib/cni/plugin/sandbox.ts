/**
 * The container's namespace of a call.
 */
import { SyscallError } from '../../errors.js'
import type { NetNs } from '../../host/host.js'
import { CniCode, CniError } from '../spec/errors.js'
import type { PluginCall } from './plugin.js'

/**
 * Opens the namespace that CNI_NETNS names; the caller closes it.
 *
 * @param own a namespace that it must not be: that of the plug-in itself
 * @throws CniError InvalidEnvironment when it cannot be opened or is none, InvalidNetns when it is
 *   `own`
 */
export function openSandbox(
  { host, netns }: Pick<PluginCall, 'host' | 'netns'>,
  own?: NetNs,
): NetNs {
  const sandbox = open({ host, netns })
  if (!own || !sandbox.equals(own)) return sandbox
  sandbox.close()
  throw new CniError(
    CniCode.InvalidNetns,
    `CNI_NETNS: ${netns} is the namespace of this plug-in itself`,
    'Give the namespace of the container.',
  )
}

function open({ host, netns }: Pick<PluginCall, 'host' | 'netns'>): NetNs {
  try {
    return host.open(netns)
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error
    const why =
      error.code === 'EINVAL'
        ? 'is no network namespace'
        : `cannot be opened: ${error.code}`
    throw new CniError(
      CniCode.InvalidEnvironment,
      `CNI_NETNS: ${netns} ${why}`,
      'Give the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net.',
      { cause: error },
    )
  }
}
