#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// Attributes that are newer than the headers of the oldest system that this builds on.
// linux/if_link.h, enum that starts with IFLA_BR_UNSPEC.
constexpr uint16_t kFdbLearned = 48;
constexpr uint16_t kFdbMaxLearned = 49;

// Times are in hundredths of a second (USER_HZ). The ids are 8 bytes: priority and MAC.
const Attr kBridgeAttrs[] = {
    {IFLA_BR_FORWARD_DELAY, "forwardDelay", Type::kU32},
    {IFLA_BR_HELLO_TIME, "helloTime", Type::kU32},
    {IFLA_BR_MAX_AGE, "maxAge", Type::kU32},
    {IFLA_BR_AGEING_TIME, "ageingTime", Type::kU32},
    {IFLA_BR_STP_STATE, "stp", Type::kU32},
    {IFLA_BR_PRIORITY, "priority", Type::kU16},
    {IFLA_BR_VLAN_FILTERING, "vlanFiltering", Type::kU8},
    {IFLA_BR_VLAN_PROTOCOL, "vlanProtocol", Type::kBe16},
    {IFLA_BR_VLAN_DEFAULT_PVID, "vlanDefaultPvid", Type::kU16},
    {IFLA_BR_VLAN_STATS_ENABLED, "vlanStatistics", Type::kU8},
    {IFLA_BR_VLAN_STATS_PER_PORT, "vlanStatisticsPerPort", Type::kU8},
    {IFLA_BR_GROUP_FWD_MASK, "groupForwardMask", Type::kU16},
    {IFLA_BR_GROUP_ADDR, "groupAddress", Type::kMac},
    {IFLA_BR_FDB_FLUSH, "fdbFlush", Type::kFlag, Mode::kEncode},
    {IFLA_BR_ROOT_ID, "rootId", Type::kBytes, Mode::kDecode},
    {IFLA_BR_BRIDGE_ID, "bridgeId", Type::kBytes, Mode::kDecode},
    {IFLA_BR_ROOT_PORT, "rootPort", Type::kU16, Mode::kDecode},
    {IFLA_BR_ROOT_PATH_COST, "rootPathCost", Type::kU32, Mode::kDecode},
    {IFLA_BR_TOPOLOGY_CHANGE, "topologyChange", Type::kU8, Mode::kDecode},
    {IFLA_BR_TOPOLOGY_CHANGE_DETECTED, "topologyChangeDetected", Type::kU8, Mode::kDecode},
    {IFLA_BR_HELLO_TIMER, "helloTimer", Type::kU64, Mode::kDecode},
    {IFLA_BR_TCN_TIMER, "tcnTimer", Type::kU64, Mode::kDecode},
    {IFLA_BR_TOPOLOGY_CHANGE_TIMER, "topologyChangeTimer", Type::kU64, Mode::kDecode},
    {IFLA_BR_GC_TIMER, "gcTimer", Type::kU64, Mode::kDecode},
    {IFLA_BR_MCAST_SNOOPING, "multicastSnooping", Type::kU8},
    {IFLA_BR_MCAST_ROUTER, "multicastRouter", Type::kU8},
    {IFLA_BR_MCAST_QUERIER, "multicastQuerier", Type::kU8},
    {IFLA_BR_MCAST_QUERY_USE_IFADDR, "multicastQueryUseAddress", Type::kU8},
    {IFLA_BR_MCAST_HASH_ELASTICITY, "multicastHashElasticity", Type::kU32},
    {IFLA_BR_MCAST_HASH_MAX, "multicastHashMax", Type::kU32},
    {IFLA_BR_MCAST_LAST_MEMBER_CNT, "multicastLastMemberCount", Type::kU32},
    {IFLA_BR_MCAST_STARTUP_QUERY_CNT, "multicastStartupQueryCount", Type::kU32},
    {IFLA_BR_MCAST_LAST_MEMBER_INTVL, "multicastLastMemberInterval", Type::kU64},
    {IFLA_BR_MCAST_MEMBERSHIP_INTVL, "multicastMembershipInterval", Type::kU64},
    {IFLA_BR_MCAST_QUERIER_INTVL, "multicastQuerierInterval", Type::kU64},
    {IFLA_BR_MCAST_QUERY_INTVL, "multicastQueryInterval", Type::kU64},
    {IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, "multicastQueryResponseInterval", Type::kU64},
    {IFLA_BR_MCAST_STARTUP_QUERY_INTVL, "multicastStartupQueryInterval", Type::kU64},
    {IFLA_BR_MCAST_STATS_ENABLED, "multicastStatistics", Type::kU8},
    {IFLA_BR_MCAST_IGMP_VERSION, "igmpVersion", Type::kU8},
    {IFLA_BR_MCAST_MLD_VERSION, "mldVersion", Type::kU8},
    {IFLA_BR_MULTI_BOOLOPT, "options", Type::kBytes},  // struct br_boolopt_multi
    {IFLA_BR_MCAST_QUERIER_STATE, "multicastQuerierState", Type::kBytes, Mode::kDecode},
    {kFdbLearned, "fdbLearned", Type::kU32, Mode::kDecode},
    {kFdbMaxLearned, "fdbMaxLearned", Type::kU32},
    {IFLA_BR_PAD, "pad", Type::kSkip},
    {IFLA_BR_NF_CALL_IPTABLES, "callIptables", Type::kU8},
    {IFLA_BR_NF_CALL_IP6TABLES, "callIp6tables", Type::kU8},
    {IFLA_BR_NF_CALL_ARPTABLES, "callArptables", Type::kU8},
};

const Kind kKinds[] = {{"bridge", kBridgeAttrs}};

}  // namespace

const KindList kBridgeKinds = kKinds;

}  // namespace vnet
