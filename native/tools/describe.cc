// Prints every object's record and the tables that it reaches as JSON, for the comparison with the
// kernel's own specifications (scripts/coverage-specs.mjs). Tables may hold themselves, so each is
// printed once and named by its position.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "../operations.h"

namespace vnet {

std::string describe_tables();

namespace {

const char* type_name(Type t) {
  constexpr const char* kNames[] = {"u8",    "u16",   "u32",   "i32",    "u64",  "be16",
                                    "be32",  "be64",  "bei32", "string", "mac",  "address",
                                    "bytes", "flag",  "nest",  "list",   "row",  "struct",
                                    "array", "kinds", "link",  "netns",  "skip", "custom"};
  static_assert(std::size(kNames) == static_cast<size_t>(Type::kCustom) + 1);
  return kNames[static_cast<size_t>(t)];
}

const char* mode_name(Mode m) {
  return m == Mode::kBoth ? "both" : m == Mode::kEncode ? "encode" : "decode";
}

// Things in the order in which they were first met.
template <typename T>
struct Seen {
  std::vector<T> things;

  template <typename Same>
  std::string id(const T& thing, Same same) {
    auto at =
        std::find_if(things.begin(), things.end(), [&](const T& t) { return same(t, thing); });
    auto position = at - things.begin();
    if (at == things.end()) things.push_back(thing);
    return std::to_string(position);
  }
};

class Printer {
 public:
  std::string all();

 private:
  std::string table_id(const Table& t) {
    if (t.attrs.empty()) return "null";
    return tables_.id(
        t, [](const Table& a, const Table& b) { return a.attrs.data() == b.attrs.data(); });
  }
  std::string struct_id(const Struct* s) {
    return structs_.id(s, [](const Struct* a, const Struct* b) { return a == b; });
  }
  std::string kinds_id(const Kinds* k) {
    return kinds_.id(k, [](const Kinds* a, const Kinds* b) { return a == b; });
  }
  std::string attribute(const Attr& a);
  std::string table(const Table& t);
  std::string structure(const Struct& s);
  std::string kinds(const Kinds& k);
  std::string object(const Object& o);

  Seen<Table> tables_;
  Seen<const Struct*> structs_;
  Seen<const Kinds*> kinds_;
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string member(const char* name, const std::string& value) {
  return ",\"" + std::string(name) + "\":" + value;
}

std::string list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? "," : "") + item;
  return out + "]";
}

std::string Printer::attribute(const Attr& a) {
  std::string out = "{\"name\":" + quoted(a.name);
  out += member("type", std::to_string(a.type));
  out += member("kind", quoted(type_name(a.kind)));
  out += member("mode", quoted(mode_name(a.mode)));
  if (a.many) out += member("many", "true");
  if (a.nest) out += member("table", table_id(*a.nest));
  if (a.fixed) out += member("struct", struct_id(a.fixed));
  if (a.kinds) out += member("kinds", kinds_id(a.kinds));
  return out + "}";
}

std::string Printer::table(const Table& t) {
  std::vector<std::string> items;
  for (const Attr& a : t.attrs) items.push_back(attribute(a));
  return list(items);
}

std::string Printer::structure(const Struct& s) {
  std::vector<std::string> items;
  for (const Field& f : s.fields) {
    items.push_back("{\"name\":" + quoted(f.name) + member("offset", std::to_string(f.offset)) +
                    member("width", std::to_string(f.width())) +
                    member("kind", quoted(type_name(f.kind))) + "}");
  }
  return "{\"size\":" + std::to_string(s.size) + member("fields", list(items)) +
         member("table", table_id(s.attrs)) + "}";
}

std::string Printer::kinds(const Kinds& k) {
  std::vector<std::string> items;
  for (const KindList* part : k.lists) {
    for (const Kind& kind : *part) {
      items.push_back("{\"name\":" + quoted(kind.name) +
                      member("number", std::to_string(kind.number)) +
                      member("table", table_id(kind.data)) + "}");
    }
  }
  return "{\"selector\":" + quoted(k.selector) + member("kinds", list(items)) + "}";
}

std::string Printer::object(const Object& o) {
  std::string out = "{\"name\":" + quoted(o.name) + member("family", quoted(o.family.name));
  out += member("protocol", std::to_string(o.family.protocol));
  out += member("struct", struct_id(&o.body));
  if (o.request) out += member("request", struct_id(o.request));
  if (o.since) out += member("since", quoted(o.since));
  return out + "}";
}

std::string Printer::all() {
  std::vector<std::string> objects;
  std::vector<std::string> structs;
  std::vector<std::string> tables;
  std::vector<std::string> kind_lists;
  for (const Object* o : all_objects()) objects.push_back(object(*o));
  // What is printed may bring new ones.
  for (bool more = true; more;) {
    more = false;
    for (; structs.size() < structs_.things.size(); more = true) {
      structs.push_back(structure(*structs_.things[structs.size()]));
    }
    for (; tables.size() < tables_.things.size(); more = true) {
      Table next = tables_.things[tables.size()];
      tables.push_back(table(next));
    }
    for (; kind_lists.size() < kinds_.things.size(); more = true) {
      kind_lists.push_back(kinds(*kinds_.things[kind_lists.size()]));
    }
  }
  return "{\"objects\":" + list(objects) + member("structs", list(structs)) +
         member("tables", list(tables)) + member("kinds", list(kind_lists)) + "}";
}

}  // namespace

std::string describe_tables() { return Printer().all(); }

}  // namespace vnet

int main() {
  std::puts(vnet::describe_tables().c_str());
  return 0;
}
