/**
 * What ethtool(8) tells of links, by generic netlink (linux/ethtool_netlink.h). Linux 5.6 and later.
 */
import { linkToWire, StepRef, type LinkLike, type StepSink } from '../base/steps.js'

/** Whether the device of a link has a carrier, and why not. */
export interface LinkState {
  /** Index of the link. */
  readonly link: number
  /** Its name. */
  readonly name: string
  /** The device has a carrier; it may although the link is switched off. */
  readonly detected: boolean
  /** Quality of the signal, 0 to `qualityMax`, where the device measures it. */
  readonly quality?: number
  /** The best quality that the device tells. */
  readonly qualityMax?: number
  /** ETHTOOL_LINK_EXT_STATE_*: why there is no carrier, where the device knows. */
  readonly reason?: number
  /** ETHTOOL_LINK_EXT_SUBSTATE_*: more of the reason. */
  readonly detail?: number
  /** How often the carrier was lost, where the device counts it. */
  readonly timesDown?: number
}

interface WireLinkState extends Omit<LinkState, 'link' | 'name' | 'detected'> {
  header: { link: number; name: string }
  detected: number
  command: number
  messageVersion: number
}

function stateFromWire(wire: unknown): LinkState {
  const {
    header,
    detected,
    command: _c,
    messageVersion: _v,
    ...rest
  } = wire as WireLinkState
  return { link: header.link, name: header.name, detected: detected !== 0, ...rest }
}

/** The verbs of ethtool for links of one namespace in a plan. */
export class EthtoolVerbs {
  /** @internal */
  constructor(private readonly sink: StepSink) {}

  /**
   * Asks whether a link's device has a carrier.
   *
   * @throws NetlinkError ENODEV when the link is gone
   */
  linkState(link: LinkLike): StepRef<LinkState> {
    const header = { link: linkToWire(link, this.sink) }
    return new StepRef(this.sink.add('ethtool.linkState.get', { header }), stateFromWire)
  }

  /** Reads the state of all links whose drivers tell it. */
  linkStates(): StepRef<LinkState[]> {
    const at = this.sink.add('ethtool.linkState.dump', { header: {} })
    return new StepRef(at, (wire) => (wire as unknown[]).map(stateFromWire))
  }
}
