#include <linux/if_link.h>

#include "objects.h"

namespace vnet {

namespace {

// struct ifla_vxlan_port_range: low and high, big endian.
const Field kRangeFields[] = {{"low", 0, Type::kBe16}, {"high", 2, Type::kBe16}};
const Struct kRange = {sizeof(ifla_vxlan_port_range), kRangeFields, {}};

// Attributes that are newer than the headers of the oldest system that this builds on.
// linux/if_link.h, enum that starts with IFLA_VXLAN_UNSPEC.
constexpr uint16_t kLocalBypass = 31;
constexpr uint16_t kLabelPolicy = 32;
constexpr uint16_t kReservedBits = 33;
constexpr uint16_t kMulticastRoute = 34;

const Attr kVxlanAttrs[] = {
    {IFLA_VXLAN_ID, "id", Type::kU32},
    {IFLA_VXLAN_GROUP, "remote", Type::kAddress},
    {IFLA_VXLAN_GROUP6, "remote6", Type::kAddress},
    {IFLA_VXLAN_LINK, "link", Type::kLink},
    {IFLA_VXLAN_LOCAL, "local", Type::kAddress},
    {IFLA_VXLAN_LOCAL6, "local6", Type::kAddress},
    {IFLA_VXLAN_TTL, "ttl", Type::kU8},
    {IFLA_VXLAN_TTL_INHERIT, "ttlInherit", Type::kFlag},
    {IFLA_VXLAN_TOS, "tos", Type::kU8},
    {IFLA_VXLAN_DF, "dontFragment", Type::kU8},
    {IFLA_VXLAN_LABEL, "flowLabel", Type::kBe32},
    {IFLA_VXLAN_LEARNING, "learning", Type::kU8},
    {IFLA_VXLAN_AGEING, "ageing", Type::kU32},
    {IFLA_VXLAN_LIMIT, "limit", Type::kU32},
    {IFLA_VXLAN_PORT, "port", Type::kBe16},
    {IFLA_VXLAN_PORT_RANGE, "sourcePorts", Type::kStruct, kRange},
    {IFLA_VXLAN_PROXY, "proxy", Type::kU8},
    {IFLA_VXLAN_RSC, "routeShortCircuit", Type::kU8},
    {IFLA_VXLAN_L2MISS, "l2Miss", Type::kU8},
    {IFLA_VXLAN_L3MISS, "l3Miss", Type::kU8},
    {IFLA_VXLAN_UDP_CSUM, "udpChecksum", Type::kU8},
    {IFLA_VXLAN_UDP_ZERO_CSUM6_TX, "udpZeroChecksum6Tx", Type::kU8},
    {IFLA_VXLAN_UDP_ZERO_CSUM6_RX, "udpZeroChecksum6Rx", Type::kU8},
    {IFLA_VXLAN_REMCSUM_TX, "remoteChecksumTx", Type::kU8},
    {IFLA_VXLAN_REMCSUM_RX, "remoteChecksumRx", Type::kU8},
    {IFLA_VXLAN_GBP, "groupPolicy", Type::kFlag},
    {IFLA_VXLAN_GPE, "protocolExtension", Type::kFlag},
    {IFLA_VXLAN_COLLECT_METADATA, "external", Type::kU8},
    {IFLA_VXLAN_REMCSUM_NOPARTIAL, "remoteChecksumNoPartial", Type::kFlag},
    {kLocalBypass, "localBypass", Type::kU8},
    {kLabelPolicy, "labelPolicy", Type::kU32},
    {kReservedBits, "reservedBits", Type::kBe64, Mode::kDecode},
    {kMulticastRoute, "multicastRoute", Type::kU8},
    {IFLA_VXLAN_VNIFILTER, "vniFilter", Type::kU8},
};

const Kind kKinds[] = {{"vxlan", kVxlanAttrs}};

}  // namespace

const KindList kVxlanKinds = kKinds;

}  // namespace vnet
