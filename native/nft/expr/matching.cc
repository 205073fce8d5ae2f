// Expressions that look at registers or change them: comparisons, arithmetic, look-ups in sets.
#include <linux/netfilter/nf_tables.h>

#include "../objects.h"

namespace vnet {

namespace {

const Attr kCmp[] = {
    {NFTA_CMP_SREG, "sreg", Type::kBe32},
    {NFTA_CMP_OP, "op", Type::kBe32},
    {NFTA_CMP_DATA, "data", Type::kNest, kNftData},
};
const Attr kRange[] = {
    {NFTA_RANGE_SREG, "sreg", Type::kBe32},
    {NFTA_RANGE_OP, "op", Type::kBe32},
    {NFTA_RANGE_FROM_DATA, "from", Type::kNest, kNftData},
    {NFTA_RANGE_TO_DATA, "to", Type::kNest, kNftData},
};
const Attr kBitwise[] = {
    {NFTA_BITWISE_SREG, "sreg", Type::kBe32},
    {NFTA_BITWISE_DREG, "dreg", Type::kBe32},
    {NFTA_BITWISE_LEN, "length", Type::kBe32},
    {NFTA_BITWISE_MASK, "mask", Type::kNest, kNftData},
    {NFTA_BITWISE_XOR, "xor", Type::kNest, kNftData},
    {NFTA_BITWISE_OP, "op", Type::kBe32},
    {NFTA_BITWISE_DATA, "data", Type::kNest, kNftData},
};
const Attr kByteorder[] = {
    {NFTA_BYTEORDER_SREG, "sreg", Type::kBe32}, {NFTA_BYTEORDER_DREG, "dreg", Type::kBe32},
    {NFTA_BYTEORDER_OP, "op", Type::kBe32},     {NFTA_BYTEORDER_LEN, "length", Type::kBe32},
    {NFTA_BYTEORDER_SIZE, "size", Type::kBe32},
};
const Attr kLookup[] = {
    {NFTA_LOOKUP_SET, "set", Type::kString},   {NFTA_LOOKUP_SREG, "sreg", Type::kBe32},
    {NFTA_LOOKUP_DREG, "dreg", Type::kBe32},   {NFTA_LOOKUP_SET_ID, "setId", Type::kBe32},
    {NFTA_LOOKUP_FLAGS, "flags", Type::kBe32},
};
const Attr kDynset[] = {
    {NFTA_DYNSET_SET_NAME, "set", Type::kString},
    {NFTA_DYNSET_SET_ID, "setId", Type::kBe32},
    {NFTA_DYNSET_OP, "op", Type::kBe32},
    {NFTA_DYNSET_SREG_KEY, "keySreg", Type::kBe32},
    {NFTA_DYNSET_SREG_DATA, "dataSreg", Type::kBe32},
    {NFTA_DYNSET_TIMEOUT, "timeout", Type::kBe64},
    {NFTA_DYNSET_EXPR, "expr", Type::kNest, kNftExpression},
    {NFTA_DYNSET_EXPRESSIONS, "expressions", Type::kList, kNftExpression},
    {NFTA_DYNSET_FLAGS, "flags", Type::kBe32},
};

const Kind kAll[] = {
    {"cmp", kCmp},       {"range", kRange},   {"bitwise", kBitwise},
    {"lookup", kLookup}, {"dynset", kDynset}, {"byteorder", kByteorder},
};

}  // namespace

const KindList kNftMatching = kAll;

}  // namespace vnet
