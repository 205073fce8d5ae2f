// Expressions that do something to the packet: NAT, reject, log, and what sends it elsewhere.
#include <linux/netfilter/nf_tables.h>

#include "../objects.h"

namespace vnet {

namespace {

const Attr kNat[] = {
    {NFTA_NAT_TYPE, "type", Type::kBe32},
    {NFTA_NAT_FAMILY, "family", Type::kBe32},
    {NFTA_NAT_REG_ADDR_MIN, "addressMin", Type::kBe32},
    {NFTA_NAT_REG_ADDR_MAX, "addressMax", Type::kBe32},
    {NFTA_NAT_REG_PROTO_MIN, "portMin", Type::kBe32},
    {NFTA_NAT_REG_PROTO_MAX, "portMax", Type::kBe32},
    {NFTA_NAT_FLAGS, "flags", Type::kBe32},
};
const Attr kMasq[] = {
    {NFTA_MASQ_FLAGS, "flags", Type::kBe32},
    {NFTA_MASQ_REG_PROTO_MIN, "portMin", Type::kBe32},
    {NFTA_MASQ_REG_PROTO_MAX, "portMax", Type::kBe32},
};
const Attr kRedir[] = {
    {NFTA_REDIR_REG_PROTO_MIN, "portMin", Type::kBe32},
    {NFTA_REDIR_REG_PROTO_MAX, "portMax", Type::kBe32},
    {NFTA_REDIR_FLAGS, "flags", Type::kBe32},
};
const Attr kTproxy[] = {
    {NFTA_TPROXY_FAMILY, "family", Type::kBe32},
    {NFTA_TPROXY_REG_ADDR, "address", Type::kBe32},
    {NFTA_TPROXY_REG_PORT, "port", Type::kBe32},
};
const Attr kReject[] = {
    {NFTA_REJECT_TYPE, "type", Type::kBe32},
    {NFTA_REJECT_ICMP_CODE, "code", Type::kU8},
};
const Attr kLog[] = {
    {NFTA_LOG_GROUP, "group", Type::kBe16},
    {NFTA_LOG_PREFIX, "prefix", Type::kString},
    {NFTA_LOG_SNAPLEN, "snaplen", Type::kBe32},
    {NFTA_LOG_QTHRESHOLD, "queueThreshold", Type::kBe16},
    {NFTA_LOG_LEVEL, "level", Type::kBe32},
    {NFTA_LOG_FLAGS, "flags", Type::kBe32},
};
const Attr kQueue[] = {
    {NFTA_QUEUE_NUM, "number", Type::kBe16},
    {NFTA_QUEUE_TOTAL, "total", Type::kBe16},
    {NFTA_QUEUE_FLAGS, "flags", Type::kBe16},
    {NFTA_QUEUE_SREG_QNUM, "sreg", Type::kBe32},
};
const Attr kDup[] = {
    {NFTA_DUP_SREG_ADDR, "address", Type::kBe32},
    {NFTA_DUP_SREG_DEV, "device", Type::kBe32},
};
const Attr kFwd[] = {
    {NFTA_FWD_SREG_DEV, "device", Type::kBe32},
    {NFTA_FWD_SREG_ADDR, "address", Type::kBe32},
    {NFTA_FWD_NFPROTO, "family", Type::kBe32},
};
const Attr kSynproxy[] = {
    {NFTA_SYNPROXY_MSS, "mss", Type::kBe16},
    {NFTA_SYNPROXY_WSCALE, "windowScale", Type::kU8},
    {NFTA_SYNPROXY_FLAGS, "flags", Type::kBe32},
};
const Attr kFlowOffload[] = {
    {NFTA_FLOW_TABLE_NAME, "flowtable", Type::kString},
};

const Kind kAll[] = {
    {"nat", kNat},
    {"masq", kMasq},
    {"redir", kRedir},
    {"tproxy", kTproxy},
    {"reject", kReject},
    {"log", kLog},
    {"queue", kQueue},
    {"dup", kDup},
    {"fwd", kFwd},
    {"synproxy", kSynproxy},
    {"flow_offload", kFlowOffload},
    {"notrack", {}},
};

}  // namespace

const KindList kNftStatements = kAll;

}  // namespace vnet
