// The nftables and conntrack objects of nfnetlink, one file each; expressions have one file each
// in nft/expr.
#pragma once

#include <string_view>

#include "../wire/schema.h"

namespace vnet {

extern const Object kNftTable;  // linux/netfilter/nf_tables.h
extern const Object kNftChain;
extern const Object kNftRule;
extern const Object kNftSet;
extern const Object kNftElements;
extern const Object kNftGeneration;
extern const Object kConntrack;  // linux/netfilter/nfnetlink_conntrack.h

// struct nfgenmsg: family, version, resource id. All nfnetlink messages start with it.
extern const Field kNfFields[1];
extern const Table kNftData;         // NFTA_DATA_VALUE | NFTA_DATA_VERDICT
extern const Table kNftExpressions;  // element of NFTA_RULE_EXPRESSIONS

// An expression: its name and what NFTA_EXPR_DATA holds.
struct NftExpression {
  const char* name;
  Table data;
};
const NftExpression* nft_expression(std::string_view name);

}  // namespace vnet
