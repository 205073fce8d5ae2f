#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "objects.h"

namespace vnet {

namespace {

// struct inet_diag_req_v2 with its struct inet_diag_sockid. Of the latter a dump compares the
// ports.
const Field kRequestFields[] = {
    {"family", 0, Type::kU8},       {"protocol", 1, Type::kU8},
    {"extensions", 2, Type::kU8},   {"states", 4, Type::kU32},
    {"sourcePort", 8, Type::kBe16}, {"destinationPort", 10, Type::kBe16},
    {"source", 12, Type::kAddress}, {"destination", 28, Type::kAddress},
    {"link", 44, Type::kLink},      {"cookie", 48, Type::kU64},
};
const Struct kRequest = {sizeof(inet_diag_req_v2), kRequestFields, {}};

// struct inet_diag_msg with its struct inet_diag_sockid.
const Field kFields[] = {
    {"family", 0, Type::kU8},       {"state", 1, Type::kU8},
    {"timer", 2, Type::kU8},        {"retransmits", 3, Type::kU8},
    {"sourcePort", 4, Type::kBe16}, {"destinationPort", 6, Type::kBe16},
    {"source", 8, Type::kAddress},  {"destination", 24, Type::kAddress},
    {"link", 40, Type::kLink},      {"cookie", 44, Type::kU64},
    {"expires", 52, Type::kU32},    {"receiveQueue", 56, Type::kU32},
    {"sendQueue", 60, Type::kU32},  {"uid", 64, Type::kU32},
    {"inode", 68, Type::kU32},
};

// Attributes that are newer than the headers of the oldest system that this builds on.
// linux/inet_diag.h, enum that starts with INET_DIAG_NONE.
constexpr uint16_t kCgroupId = 21;
constexpr uint16_t kSocketOptions = 22;

const Attr kAttrs[] = {
    {INET_DIAG_MEMINFO, "memory", Type::kBytes},  // struct inet_diag_meminfo
    {INET_DIAG_INFO, "info", Type::kBytes},       // struct tcp_info
    {INET_DIAG_CONG, "congestionControl", Type::kString},
    {INET_DIAG_TOS, "tos", Type::kU8},
    {INET_DIAG_TCLASS, "trafficClass", Type::kU8},
    {INET_DIAG_SKMEMINFO, "socketMemory", Type::kBytes},  // SK_MEMINFO_*, u32 each
    {INET_DIAG_SHUTDOWN, "shutdown", Type::kU8},
    {INET_DIAG_PROTOCOL, "protocol", Type::kU8},
    {INET_DIAG_SKV6ONLY, "onlyIpv6", Type::kU8},
    {INET_DIAG_MARK, "mark", Type::kU32},
    {INET_DIAG_CLASS_ID, "classId", Type::kU32},
    {kCgroupId, "cgroup", Type::kU64},
    {kSocketOptions, "options", Type::kBytes},  // struct inet_diag_sockopt
};

// All but what names a socket: those that stay are what a dump has to have whole.
const char* const kPassing[] = {"state",        "timer",     "retransmits",      "expires",
                                "receiveQueue", "sendQueue", "memory",           "info",
                                "socketMemory", "shutdown",  "congestionControl"};
const uint8_t kFamilies[] = {AF_INET, AF_INET6};

}  // namespace

// A dump goes on in a chain of the hash table at the number where it stopped, and nobody tells of
// sockets that left the chain meanwhile (net/ipv4/inet_diag.c, inet_diag_dump_icsk).
const Object kInetSocket = {
    .name = "socket",
    .family = kSockDiag,
    .body = {sizeof(inet_diag_msg), kFields, kAttrs},
    .request = &kRequest,
    .types = {.get = SOCK_DIAG_BY_FAMILY},
    .families = kFamilies,
    .guard = Guard::kSecondLook,
    .passing = kPassing,
};

}  // namespace vnet
