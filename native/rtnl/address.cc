#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "objects.h"

namespace vnet {

namespace {

// struct ifaddrmsg. Its 8 flag bits are the low ones of IFA_FLAGS, which we always use.
const Field kFields[] = {{"family", 0, Type::kU8},
                         {"prefixLength", 1, Type::kU8},
                         {"scope", 3, Type::kU8},
                         {"index", 4, Type::kLink}};

// struct ifa_cacheinfo: preferred and valid lifetime in seconds, then two time stamps that the
// kernel sets itself.
void encode_lifetime(const Attr& a, const Value& v, Encoder& e) {
  const Map* map = v.map();
  if (!map) return e.fail("must be an object with preferred and valid");
  uint32_t info[4] = {UINT32_MAX, UINT32_MAX, 0, 0};
  for (const auto& [name, value] : *map) {
    e.path.push_back(name);
    const int64_t* seconds = value.integer();
    if (name != "preferred" && name != "valid") return e.fail("is not a known field");
    if (!seconds || *seconds < 0 || *seconds > UINT32_MAX) {
      return e.fail("must be an integer from 0 to 4294967295");
    }
    info[name == "valid"] = static_cast<uint32_t>(*seconds);
    e.path.pop_back();
  }
  e.out.attribute(a.type, info, sizeof info);
}

Value decode_lifetime(View v) {
  uint32_t preferred = 0;
  uint32_t valid = 0;
  v.read(0, &preferred);
  v.read(4, &valid);
  Map m;
  m.emplace_back("preferred", Value(int64_t{preferred}));
  m.emplace_back("valid", Value(int64_t{valid}));
  return Value(std::move(m));
}

const Custom kLifetime = {encode_lifetime, decode_lifetime};

const Attr kAttrs[] = {
    {IFA_ADDRESS, "address", Type::kAddress},
    {IFA_LOCAL, "local", Type::kAddress},
    {IFA_BROADCAST, "broadcast", Type::kAddress},
    {IFA_LABEL, "label", Type::kString},
    {IFA_FLAGS, "flags", Type::kU32},
    {IFA_RT_PRIORITY, "metric", Type::kU32},
    {IFA_PROTO, "protocol", Type::kU8},
    {IFA_CACHEINFO, "lifetime", kLifetime},
};

const Key kKeys[] = {{"family"}, {"prefixLength"}, {"index"}, {"local"}, {"address"}};
const char* const kPassing[] = {"lifetime"};
constexpr EventKind kEvents{"address", &kRtnl, {RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR}};
const Notice kNotices[] = {{&kEvents, RTM_NEWADDR, RTM_DELADDR}};

}  // namespace

// The count of changes goes up after the list has changed, not with it (net/ipv6/addrconf.c): seen
// on Linux 6.18 to leave an entry out, or tell it twice.
const Object kAddressObject = {
    .name = "address",
    .family = kRtnl,
    .body = {sizeof(ifaddrmsg), kFields, kAttrs},
    .types = {.create = RTM_NEWADDR, .del = RTM_DELADDR, .get = RTM_GETADDR},
    .guard = Guard::kSecondLook,
    .passing = kPassing,
    .keys = kKeys,
    .notices = kNotices,
};

}  // namespace vnet
