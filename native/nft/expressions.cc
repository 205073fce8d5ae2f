// Expressions as rules, sets and elements hold them:
//   NFTA_LIST_ELEM { NFTA_EXPR_NAME, NFTA_EXPR_DATA { … } }
// In JavaScript: { expr: 'meta', data: { …the members of the expression's table } }. One that has
// no table here (xt match and target, say) keeps its bytes: { expr: 'match', raw }.
#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

const KindList* const kLists[] = {&kNftLoading, &kNftMatching, &kNftStatements, &kNftStateful};
const Kinds kData = {.selector = "expr", .lists = kLists, .raw = "raw"};

const Attr kAttrs[] = {
    {NFTA_EXPR_NAME, "expr", Type::kString},
    {NFTA_EXPR_DATA, "data", kData},
    {NFTA_EXPR_DATA | NLA_F_NESTED, "raw", Type::kBytes, Mode::kEncode},
};

}  // namespace

const Table kNftExpression(kAttrs, "expr");

}  // namespace vnet
