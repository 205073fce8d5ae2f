#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "objects.h"

namespace vnet {

namespace {

const Attr kIpAttrs[] = {
    {CTA_IP_V4_SRC, "source", Type::kAddress},
    {CTA_IP_V4_DST, "destination", Type::kAddress},
    {CTA_IP_V6_SRC, "source6", Type::kAddress},
    {CTA_IP_V6_DST, "destination6", Type::kAddress},
};
const Table kIp(kIpAttrs);

const Attr kProtoAttrs[] = {
    {CTA_PROTO_NUM, "number", Type::kU8},
    {CTA_PROTO_SRC_PORT, "sourcePort", Type::kBe16},
    {CTA_PROTO_DST_PORT, "destinationPort", Type::kBe16},
    {CTA_PROTO_ICMP_ID, "icmpId", Type::kBe16},
    {CTA_PROTO_ICMP_TYPE, "icmpType", Type::kU8},
    {CTA_PROTO_ICMP_CODE, "icmpCode", Type::kU8},
    {CTA_PROTO_ICMPV6_ID, "icmpv6Id", Type::kBe16},
    {CTA_PROTO_ICMPV6_TYPE, "icmpv6Type", Type::kU8},
    {CTA_PROTO_ICMPV6_CODE, "icmpv6Code", Type::kU8},
};
const Table kProto(kProtoAttrs);

const Attr kTupleAttrs[] = {
    {CTA_TUPLE_IP, "ip", Type::kNest, kIp},
    {CTA_TUPLE_PROTO, "proto", Type::kNest, kProto},
    {CTA_TUPLE_ZONE, "zone", Type::kBe16},
};
const Table kTuple(kTupleAttrs);

const Attr kTcpAttrs[] = {
    {CTA_PROTOINFO_TCP_STATE, "state", Type::kU8},
    {CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, "windowScaleOriginal", Type::kU8},
    {CTA_PROTOINFO_TCP_WSCALE_REPLY, "windowScaleReply", Type::kU8},
    // struct nf_ct_tcp_flags: flags and mask, a byte each.
    {CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, "flagsOriginal", Type::kBytes},
    {CTA_PROTOINFO_TCP_FLAGS_REPLY, "flagsReply", Type::kBytes},
};
const Table kTcp(kTcpAttrs);

const Attr kDccpAttrs[] = {
    {CTA_PROTOINFO_DCCP_STATE, "state", Type::kU8},
    {CTA_PROTOINFO_DCCP_ROLE, "role", Type::kU8},
    {CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ, "handshakeSequence", Type::kBe64},
};
const Table kDccp(kDccpAttrs);

const Attr kSctpAttrs[] = {
    {CTA_PROTOINFO_SCTP_STATE, "state", Type::kU8},
    {CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, "tagOriginal", Type::kBe32},
    {CTA_PROTOINFO_SCTP_VTAG_REPLY, "tagReply", Type::kBe32},
};
const Table kSctp(kSctpAttrs);

const Attr kProtoInfoAttrs[] = {
    {CTA_PROTOINFO_TCP, "tcp", Type::kNest, kTcp},
    {CTA_PROTOINFO_DCCP, "dccp", Type::kNest, kDccp},
    {CTA_PROTOINFO_SCTP, "sctp", Type::kNest, kSctp},
};
const Table kProtoInfo(kProtoInfoAttrs);

const Attr kHelpAttrs[] = {
    {CTA_HELP_NAME, "name", Type::kString},
    {CTA_HELP_INFO, "info", Type::kBytes},
};
const Table kHelp(kHelpAttrs);

const Attr kPortsAttrs[] = {
    {CTA_PROTONAT_PORT_MIN, "min", Type::kBe16},
    {CTA_PROTONAT_PORT_MAX, "max", Type::kBe16},
};
const Table kPorts(kPortsAttrs);

const Attr kNatAttrs[] = {
    {CTA_NAT_V4_MINIP, "addressMin", Type::kAddress},
    {CTA_NAT_V4_MAXIP, "addressMax", Type::kAddress},
    {CTA_NAT_PROTO, "ports", Type::kNest, kPorts},
    {CTA_NAT_V6_MINIP, "addressMin6", Type::kAddress},
    {CTA_NAT_V6_MAXIP, "addressMax6", Type::kAddress},
};
const Table kNat(kNatAttrs);

const Attr kCountersAttrs[] = {
    {CTA_COUNTERS_PACKETS, "packets", Type::kBe64},
    {CTA_COUNTERS_BYTES, "bytes", Type::kBe64},
};
const Table kCounters(kCountersAttrs);

const Attr kSequenceAttrs[] = {
    {CTA_SEQADJ_CORRECTION_POS, "correctionPosition", Type::kBe32},
    {CTA_SEQADJ_OFFSET_BEFORE, "offsetBefore", Type::kBe32},
    {CTA_SEQADJ_OFFSET_AFTER, "offsetAfter", Type::kBe32},
};
const Table kSequence(kSequenceAttrs);

const Attr kSecurityAttrs[] = {{CTA_SECCTX_NAME, "name", Type::kString}};
const Table kSecurity(kSecurityAttrs);

const Attr kTimestampAttrs[] = {
    {CTA_TIMESTAMP_START, "start", Type::kBe64},
    {CTA_TIMESTAMP_STOP, "stop", Type::kBe64},
};
const Table kTimestamp(kTimestampAttrs);

const Attr kSynproxyAttrs[] = {
    {CTA_SYNPROXY_ISN, "initialSequence", Type::kBe32},
    {CTA_SYNPROXY_ITS, "initialTimestamp", Type::kBe32},
    {CTA_SYNPROXY_TSOFF, "timestampOffset", Type::kBe32},
};
const Table kSynproxy(kSynproxyAttrs);

// Which parts of the tuples a dump compares: bits of net/netfilter/nf_conntrack_netlink.c
// (CTA_FILTER_F_*), in host order.
const Attr kFilterAttrs[] = {
    {CTA_FILTER_ORIG_FLAGS, "original", Type::kU32},
    {CTA_FILTER_REPLY_FLAGS, "reply", Type::kU32},
};
const Table kFilter(kFilterAttrs);

const Attr kAttrs[] = {
    {CTA_TUPLE_ORIG, "original", Type::kNest, kTuple},
    {CTA_TUPLE_REPLY, "reply", Type::kNest, kTuple},
    {CTA_STATUS, "status", Type::kBe32},
    {CTA_PROTOINFO, "protoInfo", Type::kNest, kProtoInfo},
    {CTA_HELP, "help", Type::kNest, kHelp},
    {CTA_NAT_SRC, "natSource", Type::kNest, kNat},
    {CTA_TIMEOUT, "timeout", Type::kBe32},
    {CTA_MARK, "mark", Type::kBe32},
    {CTA_COUNTERS_ORIG, "countersOriginal", Type::kNest, kCounters},
    {CTA_COUNTERS_REPLY, "countersReply", Type::kNest, kCounters},
    {CTA_USE, "use", Type::kBe32, Mode::kDecode},
    {CTA_ID, "id", Type::kBe32},
    {CTA_NAT_DST, "natDestination", Type::kNest, kNat},
    {CTA_TUPLE_MASTER, "master", Type::kNest, kTuple},
    {CTA_SEQ_ADJ_ORIG, "sequenceOriginal", Type::kNest, kSequence},
    {CTA_SEQ_ADJ_REPLY, "sequenceReply", Type::kNest, kSequence},
    {CTA_ZONE, "zone", Type::kBe16},
    {CTA_SECCTX, "security", Type::kNest, kSecurity},
    {CTA_TIMESTAMP, "timestamp", Type::kNest, kTimestamp},
    {CTA_MARK_MASK, "markMask", Type::kBe32},
    {CTA_LABELS, "labels", Type::kBytes},
    {CTA_LABELS_MASK, "labelsMask", Type::kBytes},
    {CTA_SYNPROXY, "synproxy", Type::kNest, kSynproxy},
    {CTA_FILTER, "filter", Type::kNest, kFilter},
    {CTA_STATUS_MASK, "statusMask", Type::kBe32},
};

// struct nfgenmsg; conntrack looks at the version.
const Field kFields[] = {{"family", 0, Type::kU8}, {"version", 1, Type::kU8}};
const Key kKeys[] = {{"family"}, {"original"}, {"id"}, {"zone"}};

constexpr uint16_t type(uint16_t message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}

}  // namespace

const Object kConntrack = {
    .name = "conntrack",
    .family = kCt,
    .body = {sizeof(nfgenmsg), kFields, kAttrs},
    .types = {.create = type(IPCTNL_MSG_CT_NEW),
              .del = type(IPCTNL_MSG_CT_DELETE),
              .get = type(IPCTNL_MSG_CT_GET)},
    .keys = kKeys,
    .filter = &kConntrackFilter,
};

}  // namespace vnet
