/**
 * The switches of a link below /proc/sys/net: a bridge that takes the place of a NIC takes over
 * the NIC's. Its own would be those of `default`, which hosts set to something else.
 */
import type { Link, NetNs, Plan } from '../../netlink/index.js'

/** Text of each switch by its name, in which `*` stands for the link. */
export type LinkSettings = Readonly<Record<string, string>>

const V4 = `accept_local accept_redirects accept_source_route arp_accept arp_announce
  arp_evict_nocarrier arp_filter arp_ignore arp_notify bc_forwarding bootp_relay disable_policy
  disable_xfrm drop_gratuitous_arp drop_unicast_in_l2_multicast force_igmp_version forwarding
  igmpv2_unsolicited_report_interval igmpv3_unsolicited_report_interval
  ignore_routes_with_linkdown log_martians medium_id promote_secondaries proxy_arp
  proxy_arp_pvlan route_localnet rp_filter secure_redirects send_redirects shared_media
  src_valid_mark tag`

const V6 = `accept_ra_defrtr accept_ra_from_local accept_ra_min_hop_limit
  accept_ra_min_lft accept_ra_mtu accept_ra_pinfo accept_ra_rt_info_max_plen
  accept_ra_rt_info_min_plen accept_ra_rtr_pref accept_redirects accept_source_route
  accept_untracked_na addr_gen_mode autoconf dad_transmits disable_policy
  drop_unicast_in_l2_multicast drop_unsolicited_na enhanced_dad force_forwarding force_mld_version
  force_tllao forwarding hop_limit ignore_routes_with_linkdown ioam6_enabled ioam6_id
  ioam6_id_wide keep_addr_on_down max_addresses max_desync_factor
  mldv1_unsolicited_report_interval mldv2_unsolicited_report_interval ndisc_evict_nocarrier
  ndisc_notify ndisc_tclass optimistic_dad proxy_ndp ra_defrtr_metric ra_honor_pio_life
  ra_honor_pio_pflag regen_max_retry regen_min_advance
  router_probe_interval router_solicitation_delay router_solicitation_interval
  router_solicitation_max_interval router_solicitations rpl_seg_enabled seg6_enabled
  suppress_frag_ndisc temp_prefered_lft temp_valid_lft use_oif_addrs_only use_optimistic
  use_tempaddr`

const NEIGHBOURS = `anycast_delay app_solicit base_reachable_time_ms delay_first_probe_time gc_stale_time
  interval_probe_time_ms locktime mcast_resolicit mcast_solicit proxy_delay proxy_qlen
  retrans_time_ms ucast_solicit unres_qlen_bytes`

const words = (text: string) => text.trim().split(/\s+/)

// IPv6 is switched on last: what the kernel then does follows the others.
const NAMES: readonly string[] = [
  ...words(V4).map((name) => `net/ipv4/conf/*/${name}`),
  ...words(V6).map((name) => `net/ipv6/conf/*/${name}`),
  ...['ipv4', 'ipv6'].flatMap((family) =>
    words(NEIGHBOURS).map((name) => `net/${family}/neigh/*/${name}`),
  ),
  'net/ipv6/conf/*/disable_ipv6',
]

/** addr_gen_mode: the kernel makes no link-local address; the NIC's moves like the others. */
const NO_LINK_LOCAL = '1'
const GENERATION = 'net/ipv6/conf/*/addr_gen_mode'

const MTU = 'net/ipv6/conf/*/mtu'

/** Name of a switch of one link. */
function of(name: string, link: string): string {
  return name.replace('*', link)
}

/**
 * Reads in what a NIC's switches differ from those that a new link has. Throws SyscallError.
 */
export function readLinkSettings(host: NetNs, nic: string): LinkSettings {
  const plan = host.plan()
  const read = (name: string, link: string) =>
    plan.sysctl.get(of(name, link), { optional: true })
  const pairs = NAMES.map(
    (name) => [name, read(name, nic), read(name, 'default')] as const,
  )
  const mtu = read(MTU, nic)
  const done = plan.runSync()
  const differing = pairs.flatMap(([name, own, usual]) => {
    const value = done.of(own)
    return value !== '' && value !== done.of(usual) ? [[name, value]] : []
  })
  return Object.fromEntries([[MTU, done.of(mtu)], ...differing]) as LinkSettings
}

/** Adds the steps that give a link, which has just been made, the switches of the NIC. */
export function planTakeOver(
  plan: Plan,
  settings: LinkSettings,
  { mtu }: Pick<Link, 'mtu'>,
  link: string,
): void {
  for (const [name, value] of Object.entries(settings)) {
    // IPv6 has the link's own MTU unless a router told another.
    if (name === MTU && (value === '' || Number(value) >= mtu)) continue
    // The secret that the other ways need can be read by nobody.
    const other = name === GENERATION && value !== '0'
    plan.sysctl.set(of(name, link), other ? NO_LINK_LOCAL : value)
  }
}
