// Expressions as rules, sets and elements hold them:
//   NFTA_LIST_ELEM { NFTA_EXPR_NAME, NFTA_EXPR_DATA { … } }
// In JavaScript: { expr: 'meta', data: { …the members of the expression's table } }. One that has
// no table here (xt match and target, say) keeps its bytes: { expr: 'match', raw }.
#include <linux/netfilter/nf_tables.h>

#include "objects.h"

namespace vnet {

namespace {

void encode_body(const Value& v, Encoder& e) {
  const Value* name = v.get("expr");
  const Value* data = v.get("data");
  const Value* raw = v.get("raw");
  if (!name || !name->string()) return e.fail("has no expr (the name of the expression)");
  e.out.attribute(NFTA_EXPR_NAME, name->string()->c_str(), name->string()->size() + 1);
  if (raw) {
    if (!raw->bytes()) return e.fail("raw must be a Uint8Array");
    return e.out.attribute(NFTA_EXPR_DATA | NLA_F_NESTED, raw->bytes()->data(),
                           raw->bytes()->size());
  }
  const NftNamed* known = nft_expression(*name->string());
  if (!known) return e.fail("expr " + *name->string() + " is not known; give its bytes as raw");
  size_t inner = e.out.begin_nest(NFTA_EXPR_DATA | NLA_F_NESTED);
  if (data) e.attributes(known->data, *data);
  e.out.end_nest(inner);
}

void encode_one(const Attr& a, const Value& v, Encoder& e) {
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  encode_body(v, e);
  e.out.end_nest(at);
}

// The kernel sends the name first (nf_tables_fill_expr_info); bytes from elsewhere may not.
std::string name_of(View v) {
  AttributeCursor c(v);
  while (c.next()) {
    const char* text = reinterpret_cast<const char*>(c.value.data);
    if (c.type == NFTA_EXPR_NAME) return std::string(text, strnlen(text, c.value.size));
  }
  return {};
}

Value decode_one(View v) {
  Map expression;
  std::string name = name_of(v);
  const NftNamed* known = nft_expression(name);
  expression.emplace_back("expr", Value(std::move(name)));
  AttributeCursor c(v);
  while (c.next()) {
    if (c.type != NFTA_EXPR_DATA) continue;
    if (known) {
      Map data;
      decode_attributes(known->data, c.value, data);
      expression.emplace_back("data", Value(std::move(data)));
    } else {
      expression.emplace_back("raw", Value(Bytes(c.value.data, c.value.data + c.value.size)));
    }
    break;
  }
  return Value(std::move(expression));
}

void encode_list(const Attr& a, const Value& v, Encoder& e) {
  const List* list = v.list();
  if (!list) return e.fail("must be a list of expressions");
  size_t at = e.out.begin_nest(static_cast<uint16_t>(a.type | NLA_F_NESTED));
  for (size_t i = 0; i < list->size() && !e.failed(); i++) {
    e.path.push_back(std::to_string(i));
    size_t element = e.out.begin_nest(NFTA_LIST_ELEM | NLA_F_NESTED);
    encode_body((*list)[i], e);
    e.out.end_nest(element);
    e.path.pop_back();
  }
  e.out.end_nest(at);
}

Value decode_list(View v) {
  List out;
  AttributeCursor list(v);
  while (list.next()) out.push_back(decode_one(list.value));
  return Value(std::move(out));
}

}  // namespace

const Custom kNftExpression = {encode_one, decode_one};
const Custom kNftExpressions = {encode_list, decode_list};

const NftNamed* nft_expression(std::string_view name) {
  for (const NftNamedList* family : {&kNftLoading, &kNftMatching, &kNftStatements, &kNftStateful}) {
    for (size_t i = 0; i < family->count; i++) {
      if (name == family->items[i].name) return &family->items[i];
    }
  }
  return nullptr;
}

}  // namespace vnet
