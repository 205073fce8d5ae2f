/**
 * The host's firewall, as far as it does not fit containers: named once, or a reason to refuse.
 */
import { CniCode, CniError } from '../cni/spec/errors.js'
import type { Link, NetNs } from '../netlink/index.js'
import {
  lazyFacts,
  modeOf,
  primaryNic,
  type Finding,
  type HostNetwork,
  type Mode,
  type ModeName,
  type ModeSettings,
  type NetworkWish,
} from '../vnet/index.js'
import type { Engine } from './engine.js'

/**
 * Throws CniError 108 naming what is wrong and the cure, before anything is changed. What cannot be
 * judged is no reason.
 */
export function refuseFirewall(
  { kernel }: Engine,
  mode: Mode,
  { name, nic }: NetworkWish,
): void {
  const certain = mode.findings(kernel, name, nic).filter((one) => one.certain)
  if (certain.length === 0) return
  throw new CniError(
    CniCode.UnexpectedHost,
    certain.map(({ message }) => message).join('; '),
    `${certain.map(({ cure }) => cure).join(' ')} "strictHost": false attaches nevertheless.`,
  )
}

/** What is wrong with the firewall for a network with these settings; nothing without a NIC. */
export function firewallOf(
  kernel: NetNs,
  name: ModeName,
  settings: ModeSettings,
): Finding[] {
  const mode = modeOf(name)
  const facts = lazyFacts(kernel, [], settings.master)
  const primary = primaryNic(facts)
  const nic = settings.master
    ? facts.links.find((link) => link.name === settings.master)
    : primary
  return nic ? mode.findings(kernel, mode.networkName(settings, facts, nic), nic) : []
}

/**
 * Looks at the firewall where it is another than when it was looked at last, and says what is new.
 * That it cannot be looked at is no container's misfortune.
 *
 * @param print how it is now
 * @returns what is to be remembered of it; undefined when nothing changed
 */
export function lookAtFirewall(
  { engine, mode }: { readonly engine: Engine; readonly mode: Mode },
  { name, firewall }: HostNetwork,
  nic: Link,
  print: string,
): HostNetwork['firewall'] {
  if (firewall?.print === print) return undefined
  try {
    const findings = mode.findings(engine.kernel, name, nic)
    const known = new Set(firewall?.said)
    for (const one of findings) if (!known.has(one.message)) tell(engine, one)
    return { print, said: findings.map(({ message }) => message) }
  } catch (error) {
    engine.log.error('the firewall cannot be looked at', { error: String(error) })
    return undefined
  }
}

function tell({ log }: Engine, { message, cure, certain }: Finding): void {
  if (certain) log.warn(message, { cure })
  else log.info(message, { cure })
}
