// The nftables and conntrack objects of nfnetlink, one file each; the tables of expressions are
// in nft/expr, a file a family.
#pragma once

#include <linux/netfilter/nfnetlink.h>

#include <string_view>

#include "../wire/schema.h"

namespace vnet {

extern const Object kNftTable;  // linux/netfilter/nf_tables.h
extern const Object kNftChain;
extern const Object kNftRule;
extern const Object kNftSet;
extern const Object kNftElements;
extern const Object kNftObject;  // named counters, quotas, limits …
extern const Object kNftFlowtable;
extern const Object kNftGeneration;
extern const Object kConntrack;  // linux/netfilter/nfnetlink_conntrack.h

// struct nfgenmsg: family, version, resource id. All nfnetlink messages start with it; only
// conntrack looks at the version.
extern const Field kNfFields[2];
extern const Table kNftData;          // NFTA_DATA_VALUE | NFTA_DATA_VERDICT
extern const Table kNftCounter;       // NFTA_COUNTER_*: an expression, an object, a chain's policy
extern const Custom kNftExpression;   // one expression: { expr, data } or { expr, raw }
extern const Custom kNftExpressions;  // a list of them
extern const Custom kNftDevices;      // names, each an NFTA_DEVICE_NAME
extern const Custom kNftPriority;     // signed, though it travels as a be32

// A name and the table of the attributes that go with it: what NFTA_EXPR_DATA or NFTA_OBJ_DATA
// holds depends on it.
struct NftNamed {
  const char* name;
  Table data;
};
struct NftNamedList {
  const NftNamed* items;
  size_t count;
};
extern const NftNamedList kNftMatching;    // nft/expr/matching.cc
extern const NftNamedList kNftLoading;     // nft/expr/loading.cc
extern const NftNamedList kNftStatements;  // nft/expr/statements.cc
extern const NftNamedList kNftStateful;    // nft/expr/stateful.cc
// nullptr for an expression that has no table here.
const NftNamed* nft_expression(std::string_view name);

constexpr uint16_t nft_type(uint16_t message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

// Message types that the build machine's headers may lack (linux/netfilter/nf_tables.h of 6.3).
constexpr uint16_t kNftDestroyTable = 26;
constexpr uint16_t kNftDestroyChain = 27;
constexpr uint16_t kNftDestroyRule = 28;
constexpr uint16_t kNftDestroySet = 29;
constexpr uint16_t kNftDestroyElements = 30;
constexpr uint16_t kNftDestroyObject = 31;
constexpr uint16_t kNftDestroyFlowtable = 32;

}  // namespace vnet
