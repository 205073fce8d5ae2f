#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// NFTA_RULE_EXPRESSIONS { NFTA_LIST_ELEM { NFTA_EXPR_NAME, NFTA_EXPR_DATA { … } } … }
// In JavaScript: [{ expr: 'meta', …the members of the expression's table }].
void encode_expressions(const Attr& a, const Value& v, Encoder& e) {
  const List* list = v.list();
  if (!list) return e.fail("must be a list of expressions");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  for (size_t i = 0; i < list->size() && !e.failed(); i++) {
    e.path.push_back(std::to_string(i));
    const Value* name = (*list)[i].get("expr");
    const Value* data = (*list)[i].get("data");
    const NftExpression* known = name && name->string() ? nft_expression(*name->string()) : nullptr;
    if (!known) {
      e.fail("has no known expr");
      break;
    }
    size_t element = e.out.begin_nest(NFTA_LIST_ELEM | NLA_F_NESTED);
    e.out.attribute(NFTA_EXPR_NAME, known->name, std::string_view(known->name).size() + 1);
    size_t inner = e.out.begin_nest(NFTA_EXPR_DATA | NLA_F_NESTED);
    if (data) e.attributes(known->data, *data);
    e.out.end_nest(inner);
    e.out.end_nest(element);
    e.path.pop_back();
  }
  e.out.end_nest(at);
}

Value decode_expressions(View v) {
  List out;
  AttributeCursor list(v);
  while (list.next()) {
    Map expression;
    std::string name;
    AttributeCursor c(list.value);
    while (c.next()) {
      if (c.type == NFTA_EXPR_NAME) {
        const char* text = reinterpret_cast<const char*>(c.value.data);
        name.assign(text, strnlen(text, c.value.size));
        expression.emplace_back("expr", Value(name));
      } else if (c.type == NFTA_EXPR_DATA) {
        const NftExpression* known = nft_expression(name);
        Map data;
        decode_attributes(known ? known->data : Table{}, c.value, data);
        expression.emplace_back("data", Value(std::move(data)));
      }
    }
    out.emplace_back(std::move(expression));
  }
  return Value(std::move(out));
}

const Custom kExpressions = {encode_expressions, decode_expressions};

const Attr kAttrs[] = {
    {NFTA_RULE_TABLE, "table", Type::kString},
    {NFTA_RULE_CHAIN, "chain", Type::kString},
    {NFTA_RULE_HANDLE, "handle", Type::kBe64},
    {NFTA_RULE_POSITION, "position", Type::kBe64},
    {NFTA_RULE_EXPRESSIONS, "expressions", Type::kCustom, nullptr, &kExpressions},
    {NFTA_RULE_USERDATA, "userdata", Type::kBytes},
};

}  // namespace

const Object kNftRule = {"nft.rule",
                         4,
                         kNfFields,
                         1,
                         Table(kAttrs),
                         NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE,
                         0,
                         NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE,
                         NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE};

}  // namespace vnet
