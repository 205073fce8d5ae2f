/**
 * ADD: from a CNI call to an attachment, and back to a result.
 */
import { openSandbox } from '../../cni/plugin/sandbox.js'
import type { PluginCall } from '../../cni/plugin/plugin.js'
import type { CniResult } from '../../cni/spec/types.js'
import { attach } from '../../engine/attach.js'
import { engineOf, type Attached } from '../../engine/engine.js'
import type { PodIdentity } from '../../engine/records.js'
import { addressOf, defaultRoute, familyOf } from '../../ip/index.js'
import { mark } from '../../trace.js'
import { idleVnetFields, parseVnetConfig } from './config.js'
import { leasesFor } from './leases.js'

/** Attaches a pod. Throws CniError, NetlinkError, SyscallError; then nothing is left of it. */
export async function add(call: PluginCall): Promise<CniResult> {
  mark('modules')
  const config = parseVnetConfig(call.config)
  for (const finding of idleVnetFields(call.config)) call.log.warn(finding)
  const { host, log, owner } = call
  using sandbox = openSandbox(call, host.current())
  const leases = await leasesFor(call, config)
  const { mode, settings } = config
  const engine = engineOf(host, log)
  const container = { owner, sandbox, sandboxPath: call.netns, pod: podOf(call) }
  const done = await attach(engine, { ...container, mode, settings, leases })
  return toResult(call, done, config.dns)
}

/** The pod, as Kubernetes and what speaks like it tell. */
function podOf({ args }: PluginCall): PodIdentity | undefined {
  const [uid, namespace, name] = POD_ARGS.map((key) => args.get(key) || undefined)
  const isNamed = namespace !== undefined && name !== undefined
  if (uid === undefined && !isNamed) return undefined
  return { uid, name: isNamed ? `${namespace}/${name}` : undefined }
}

const POD_ARGS = ['K8S_POD_UID', 'K8S_POD_NAMESPACE', 'K8S_POD_NAME']

function toResult(
  { ifname, netns }: PluginCall,
  { hostLinks, mac, addresses, dns, routes }: Attached,
  configured: CniResult['dns'],
): CniResult {
  const inside = hostLinks.length
  return {
    interfaces: [...hostLinks, { name: ifname, mac, sandbox: netns }],
    ips: addresses.map(({ address, gateway }) => ({
      address,
      gateway,
      interface: inside,
    })),
    routes: [
      ...addresses.flatMap(({ address, gateway }) => {
        const family = familyOf(addressOf(address))
        return family ? [{ dst: defaultRoute(family), gw: gateway }] : []
      }),
      ...routes,
    ],
    dns: configured ?? dns ?? {},
  }
}
