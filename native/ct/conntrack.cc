#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "../nft/objects.h"

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
};
const Table kProto(kProtoAttrs);

const Attr kTupleAttrs[] = {
    {CTA_TUPLE_IP, "ip", Type::kNest, &kIp},
    {CTA_TUPLE_PROTO, "proto", Type::kNest, &kProto},
    {CTA_TUPLE_ZONE, "zone", Type::kBe16},
};
const Table kTuple(kTupleAttrs);

const Attr kAttrs[] = {
    {CTA_TUPLE_ORIG, "original", Type::kNest, &kTuple},
    {CTA_TUPLE_REPLY, "reply", Type::kNest, &kTuple},
    {CTA_STATUS, "status", Type::kBe32},
    {CTA_TIMEOUT, "timeout", Type::kBe32},
    {CTA_MARK, "mark", Type::kBe32},
    {CTA_ID, "id", Type::kBe32},
    {CTA_ZONE, "zone", Type::kBe16},
};

}  // namespace

const Object kConntrack = {"conntrack",
                           4,
                           kNfFields,
                           1,
                           Table(kAttrs),
                           0,
                           0,
                           NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
                           NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET};

}  // namespace vnet
