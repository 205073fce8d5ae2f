// Goes over a message by its tables and tells a sink what it holds, in the order of a JSON text:
// open_map, key, number, …, close_map. So one walk makes values and text.
#pragma once

#include <endian.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "schema.h"

namespace vnet {

// The number in a field or an attribute; false when it has another size. What is no number is
// false as well.
bool read_number(Type kind, View v, int64_t* out);

template <typename Sink>
class Walk {
 public:
  explicit Walk(Sink& sink) : sink_(sink) {}

  // `members` are those of the outermost struct that are told; nullptr for all.
  void structure(const Struct& s, View v, const Members* members = nullptr) {
    sink_.open_map();
    bool whole = fields(s, v, members);
    if (whole && !s.attrs.attrs.empty()) {
      attributes(s.attrs, v.from(align4(s.size)), members, s.fields.size());
    }
    sink_.close_map();
  }

  // The members of a map that is open. `first` is the position of the first among `members`.
  void attributes(const Table& table, View v, const Members* members = nullptr, size_t first = 0) {
    bool unknown = false;
    size_t next = 0;
    std::vector<const Attr*> repeated;
    AttributeCursor c(v);
    while (c.next() && !sink_.odd()) {
      const Attr* a = table.by_type(c.type, next);
      if (!a) {
        unknown = true;
        continue;
      }
      auto at = static_cast<size_t>(a - table.attrs.data());
      next = at + 1;
      if (a->mode == Mode::kEncode || (members && !members->has(first + at))) continue;
      if (a->kind == Type::kKinds) {
        kind(*a, table, v, c.value);
      } else if (!a->many) {
        member(*a, c.value);
      } else if (std::find(repeated.begin(), repeated.end(), a) == repeated.end()) {
        repeated.push_back(a);
        all_of(*a, c);
      }
    }
    if (unknown) unknowns(table, v);
  }

 private:
  // False when the bytes end before the struct does.
  bool fields(const Struct& s, View v, const Members* members) {
    // struct inet_diag_sockid has room for IPv6; the family is the first byte of what it is in.
    bool four = v.size > 0 && v.data[0] == AF_INET;
    for (size_t i = 0; i < s.fields.size(); i++) {
      const Field& f = s.fields[i];
      if (f.offset + f.width() > v.size) return false;
      if (members && !members->has(i)) continue;
      sink_.key(f.name);
      View part{v.data + f.offset, f.width()};
      if (f.kind == Type::kAddress) {
        sink_.address({part.data, four ? size_t{4} : part.size});
      } else {
        number(f.kind, part);
      }
    }
    return true;
  }

  void number(Type kind, View v) {
    int64_t n = 0;
    if (read_number(kind, v, &n)) {
      sink_.number(n);
    } else {
      sink_.bytes(v.data, v.size);
    }
  }

  void member(const Attr& a, View v) {
    if (a.kind == Type::kSkip) return;
    if (a.kind != Type::kCustom) {
      sink_.key(a.name);
      return value(a, v);
    }
    Value own = a.custom->decode(v);
    if (own.null()) return;
    sink_.key(a.name);
    sink_.value(std::move(own));
  }

  // All that follow, of a member that comes several times.
  void all_of(const Attr& a, AttributeCursor c) {
    sink_.key(a.name);
    sink_.open_list();
    do {
      if (c.type == a.type) value(a, c.value);
    } while (c.next());
    sink_.close_list();
  }

  void value(const Attr& a, View v) {
    switch (a.kind) {
      case Type::kString:
        return sink_.text(text_in(v));
      case Type::kMac:
        return sink_.mac(v);
      case Type::kAddress:
        return v.size == 4 || v.size == 16 ? sink_.address(v) : sink_.bytes(v.data, v.size);
      case Type::kFlag:
        return sink_.boolean(true);
      case Type::kArray:
        return array(*a.fixed, v);
      case Type::kCustom:
        return sink_.value(a.custom->decode(v));
      case Type::kNest:
      case Type::kList:
      case Type::kRow:
      case Type::kStruct:
        if (depth_ >= kMaxNesting) return sink_.bytes(v.data, v.size);
        depth_++;
        inside(a, v);
        depth_--;
        return;
      default:
        return number(a.kind, v);
    }
  }

  void inside(const Attr& a, View v) {
    if (a.kind == Type::kStruct) return structure(*a.fixed, v);
    if (a.kind == Type::kNest) return nest(*a.nest, v);
    sink_.open_list();
    AttributeCursor c(v);
    while (c.next() && !sink_.odd()) {
      if (a.kind == Type::kList) {
        nest(*a.nest, c.value);
      } else if (const Attr& each = a.nest->attrs.front(); c.type == each.type) {
        value(each, c.value);
      }
    }
    sink_.close_list();
  }

  void nest(const Table& table, View v) {
    sink_.open_map();
    attributes(table, v);
    sink_.close_map();
  }

  void array(const Struct& each, View v) {
    sink_.open_list();
    for (; v.size >= each.size && !sink_.odd(); v = v.from(each.size)) {
      structure(each, {v.data, each.size});
    }
    sink_.close_list();
  }

  void kind(const Attr& a, const Table& table, View all, View v) {
    if (depth_ >= kMaxNesting) {
      sink_.key(a.name);
      return sink_.bytes(v.data, v.size);
    }
    const Kinds& kinds = *a.kinds;
    const Kind* known = kinds.among(table, all);
    bool raw = !known && kinds.raw;
    if (kinds.named) {
      sink_.key(a.name);
      sink_.open_map();
      sink_.key(known ? known->name : kinds.raw);
    } else {
      sink_.key(raw ? kinds.raw : a.name);
    }
    depth_++;
    if (raw) {
      sink_.bytes(v.data, v.size);
    } else {
      nest(known ? known->data : Table{}, v);
    }
    depth_--;
    if (kinds.named) sink_.close_map();
  }

  void unknowns(const Table& table, View v) {
    sink_.key("unknown");
    sink_.open_list();
    AttributeCursor c(v);
    while (c.next() && !sink_.odd()) {
      if (table.by_type(c.type)) continue;
      sink_.open_map();
      sink_.key("type");
      sink_.number(c.type);
      sink_.key("data");
      sink_.bytes(c.value.data, c.value.size);
      sink_.close_map();
    }
    sink_.close_list();
  }

  Sink& sink_;
  // How deep it stands is all that it has to remember.
  int depth_ = 0;
};

}  // namespace vnet
