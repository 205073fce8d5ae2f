#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

// What xt matches and targets want to know of their rule; the kernel never tells it again.
const Attr kCompatAttrs[] = {
    {NFTA_RULE_COMPAT_PROTO, "protocol", Type::kBe32},
    {NFTA_RULE_COMPAT_FLAGS, "flags", Type::kBe32},
};
const Table kCompat(kCompatAttrs);

const Attr kAttrs[] = {
    {NFTA_RULE_TABLE, "table", Type::kString},
    {NFTA_RULE_CHAIN, "chain", Type::kString},
    {NFTA_RULE_HANDLE, "handle", Type::kBe64},
    {NFTA_RULE_POSITION, "position", Type::kBe64},
    {NFTA_RULE_EXPRESSIONS, "expressions", Type::kList, kNftExpression},
    {NFTA_RULE_COMPAT, "compat", Type::kNest, kCompat},
    {NFTA_RULE_USERDATA, "userdata", Type::kBytes},
    {NFTA_RULE_ID, "id", Type::kBe32},
    {NFTA_RULE_POSITION_ID, "positionId", Type::kBe32},
    {NFTA_RULE_CHAIN_ID, "chainId", Type::kBe32},
};

const Notice kRuleNotices[] = {{&kNftEvents, nft_type(NFT_MSG_NEWRULE), nft_type(NFT_MSG_DELRULE)}};

}  // namespace

const Object kNftRule = {
    .name = "nft.rule",
    .family = kNft,
    .body = {sizeof(nfgenmsg), kNfFields, kAttrs},
    .types = {.create = nft_type(NFT_MSG_NEWRULE),
              .del = nft_type(NFT_MSG_DELRULE),
              .get = nft_type(NFT_MSG_GETRULE),
              .destroy = nft_type(kNftDestroyRule)},
    .notices = kRuleNotices,
};

}  // namespace vnet
