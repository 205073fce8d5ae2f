// Which part of which specification describes an object, and where we differ on purpose.

/** Object → specification, the struct that starts its messages, and its set of attributes. */
export const OBJECTS = {
  link: { spec: 'rt_link', header: 'ifinfomsg', set: 'link-attrs' },
  address: { spec: 'rt_addr', header: 'ifaddrmsg', set: 'addr-attrs' },
  route: { spec: 'rt_route', header: 'rtmsg', set: 'route-attrs' },
  'nft.table': { spec: 'nftables', set: 'table-attrs' },
  'nft.chain': { spec: 'nftables', set: 'chain-attrs' },
  'nft.rule': { spec: 'nftables', set: 'rule-attrs' },
  'nft.set': { spec: 'nftables', set: 'set-attrs' },
  'nft.elements': { spec: 'nftables', set: 'setelem-list-attrs' },
  'nft.object': { spec: 'nftables', set: 'obj-attrs' },
  'nft.flowtable': { spec: 'nftables', set: 'flowtable-attrs' },
  'nft.generation': { spec: 'nftables', set: 'gen-attrs' },
  'ethtool.linkState': { spec: 'ethtool', set: 'linkstate' },
  'genl.family': { spec: 'nlctrl', set: 'ctrl-attrs' },
}

/**
 * Numbers that a specification has wrong: it forgets the *_PAD that linux/netfilter/nf_tables.h has
 * before these, and counts on from there.
 */
export const RENUMBERED = {
  nftables: {
    'table-attrs': { userdata: 6 },
    'chain-attrs': { flags: 10 },
    'rule-attrs': { id: 9 },
    'setelem-attrs': { objref: 9 },
  },
}

const NET_ORDER = 'the kernel reads and writes it in network order'

/** What is compared, as "object path" or a pattern of it → why our type is the right one. */
export const EXCEPTIONS = [
  {
    where: /^link linkinfo\.data of bridge: vlan-protocol$/,
    why: `${NET_ORDER} (net/bridge/br_netlink.c: br_changelink, nla_get_be16)`,
  },
  {
    where: /^link linkinfo\.data of bridge: fdb-flush$/,
    why: 'the kernel looks only whether it is there (net/bridge/br_netlink.c: br_changelink)',
  },
  {
    where: /^route rta-[sd]port$/,
    why: `${NET_ORDER} (net/ipv4/route.c: inet_rtm_getroute, nla_get_be16)`,
  },
  {
    where: /^nft\..*(counter: |counters\.)(bytes|packets)$/,
    why: `${NET_ORDER} (net/netfilter/nf_tables_api.c and nft_counter.c: nla_put_be64)`,
  },
  {
    where: /^nft\..*chain-id$/,
    why: `${NET_ORDER} (net/netfilter/nf_tables_api.c: nft_verdict_init, nla_get_be32)`,
  },
  {
    where: /^nft\.rule (id|position-id)$/,
    why: `${NET_ORDER} (net/netfilter/nf_tables_api.c: nf_tables_newrule, nla_get_be32)`,
  },
  {
    where: /^nft\.rule compat\.(proto|flags)$/,
    why: 'a 32-bit number in network order (net/netfilter/nft_compat.c: nft_parse_compat)',
  },
  {
    where: /^nft\.(set (id|timeout|gc-interval)|elements set-id)$/,
    why: `${NET_ORDER} (net/netfilter/nf_tables_api.c: nf_tables_newset, nla_get_be32, nla_get_be64)`,
  },
  {
    where: /^nft\.elements elements\.(timeout|expiration)$/,
    why: `${NET_ORDER} (net/netfilter/nf_tables_api.c: nf_tables_fill_setelem, nla_put_be64)`,
  },
  {
    where: /^nft\.elements elements\.flags$/,
    why: 'a 32-bit number in network order (net/netfilter/nf_tables_api.c: nft_setelem_parse_flags)',
  },
  {
    where: /^nft\.flowtable hook\.priority$/,
    why: 'the kernel takes the number for a signed one (net/netfilter/nf_tables_api.c: nft_flowtable_parse_hook)',
  },
]
