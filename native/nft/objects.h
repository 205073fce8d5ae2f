// The nftables objects, one file each; the tables of expressions are
// in nft/expr, a file a family.
#pragma once

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "../wire/object.h"

namespace vnet {

extern const Object kNftTable;  // linux/netfilter/nf_tables.h
extern const Object kNftChain;
extern const Object kNftRule;
extern const Object kNftSet;
extern const Object kNftElements;
extern const Object kNftObject;  // named counters, quotas, limits …
extern const Object kNftFlowtable;
extern const Object kNftGeneration;

inline constexpr Family kNft{"nftables", NETLINK_NETFILTER};

extern const Field kNfFields[1];       // struct nfgenmsg; version and resource id are 0
extern const EventKind kNftEvents;     // all that a transaction changes
extern const Table kNftData;           // NFTA_DATA_VALUE | NFTA_DATA_VERDICT
extern const Table kNftCounter;        // NFTA_COUNTER_*: an expression, an object, a chain's policy
extern const Table kNftExpression;     // { expr, data } or { expr, raw }
extern const Table kNftDevices;        // names, each an NFTA_DEVICE_NAME
extern const KindList kNftMatching;    // nft/expr/matching.cc
extern const KindList kNftLoading;     // nft/expr/loading.cc
extern const KindList kNftStatements;  // nft/expr/statements.cc
extern const KindList kNftStateful;    // nft/expr/stateful.cc

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
