/**
 * The host network of an attachment.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import { hostPart } from '../ip/index.js'
import type { Address, Link } from '../netlink/index.js'
import {
  lazyFacts,
  type HostNetwork,
  type NearFacts,
  type NetworkWish,
} from '../vnet/index.js'
import type { Job } from './attach-job.js'
import { refuseFirewall } from './firewall.js'
import { ensureNetwork } from './host-network.js'
import type { NodeState } from './records.js'
import { formerSettings, isChanged } from './settings.js'

/**
 * The host network that is wished for: as it is when it is as it should be, else made or mended.
 *
 * @param take addresses of the host's own that the pod has been given
 */
export async function networkFor(
  job: Job,
  record: HostNetwork | undefined,
  wish: NetworkWish,
  take: readonly Address[],
): Promise<{ network: HostNetwork; link: Link }> {
  const { mode, engine } = job
  const found = mode.find(wish, record)
  if (record && found && take.length === 0) return { network: record, link: found }
  if (!record && job.request.settings.strictHost) refuseFirewall(engine, mode, wish)
  const { store, kernel } = engine
  const { name } = wish
  await store.update((state) => {
    if (!state.networks[name]) {
      state.networks[name] = mode.newNetwork(kernel, wish)
      job.made.add(name)
    }
    if (take.length === 0) return
    mode.take(kernel, state.networks[name], take)
    const addresses = take.map(({ address }) => hostPart(address))
    job.taken = { network: name, addresses }
  })
  const made = await store.update((state) => {
    const network = (state.networks[name] ??= mode.newNetwork(kernel, wish))
    // Another ADD may have done it while this one waited for the lock.
    const now = () => ({ ...wish, facts: freshFacts(job, state) })
    const there = mode.find(now(), network)
    if (there && take.length === 0) return { network, link: there }
    const former = formerSettings(state, network, job.request.owner)
    mode.apply(network, wish)
    if (isChanged(former, network)) job.former ??= former
    ensureNetwork(engine, state, network)
    return { network, link: mode.find(now(), network) }
  })
  const { network, link } = made
  if (link) return { network, link }
  throw new CniError(
    CniCode.UnexpectedHost,
    `bridge: ${name} was taken away by somebody else`,
  )
}

/** What is known of the host's network, read anew. */
export function freshFacts({ engine, request }: Job, { networks }: NodeState): NearFacts {
  const known = Object.values(networks).map(({ name, nic }) => ({ bridge: name, nic }))
  return lazyFacts(engine.kernel, known, request.settings.master)
}

/** Mends a network that a firewall cuts off: Docker was started, or made its chain anew, since. */
export async function letThrough({ engine }: Job, name: string): Promise<void> {
  const { store, log } = engine
  try {
    await store.update((state) => {
      const network = state.networks[name]
      if (network) ensureNetwork(engine, state, network)
    })
  } catch (error) {
    // The pod is there; the next call tries again.
    log.error('a firewall keeps traffic from the pods', { name, error: String(error) })
  }
}
