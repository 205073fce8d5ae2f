#include "tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "fd.h"
#include "thread.h"

namespace vnet {

namespace {

constexpr const char* kOp = "tun.new";

Failure failed(const char* syscall) { return syscall_failure(kOp, syscall, errno); }

Failure add_here(const Value& args) {
  // The device takes the namespace of the thread that opens it (drivers/net/tun.c, tun_chr_open).
  Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return failed("open");
  ifreq request{};
  const std::string& name = *args.get("name")->string();
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  // Without the last flag a link of that name would be taken over.
  auto flags = args.number("type", 0) | args.number("flags", 0) | IFF_TUN_EXCL;
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) {
    if (errno == EBUSY) errno = EEXIST;
    return failed("ioctl");
  }
  struct {
    const char* member;
    unsigned long command;
  } const settings[] = {{"owner", TUNSETOWNER}, {"group", TUNSETGROUP}};
  for (const auto& setting : settings) {
    int64_t id = args.number(setting.member, -1);
    if (id >= 0 && ::ioctl(fd.get(), setting.command, static_cast<unsigned long>(id)) < 0) {
      return failed("ioctl");
    }
  }
  // Until here the link goes with the descriptor.
  if (::ioctl(fd.get(), TUNSETPERSIST, 1UL) < 0) return failed("ioctl");
  return {};
}

}  // namespace

std::string check_tun(const Value& args) {
  const Value* name = args.get("name");
  if (!name || !name->string() || name->string()->empty() || name->string()->size() >= IFNAMSIZ ||
      name->string()->find('\0') != std::string::npos) {
    return "name: must be a string of 1 to 15 bytes without NUL";
  }
  int64_t type = args.number("type", 0);
  if (type != IFF_TUN && type != IFF_TAP) return "type: must be 1 (tun) or 2 (tap)";
  constexpr int64_t kFlags = IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
  if (args.number("flags", 0) & ~kFlags) return "flags: must be IFF_* bits of linux/if_tun.h";
  return {};
}

Failure add_tun(int netns, const Value& args) {
  return in_netns(kOp, netns, [&]() { return add_here(args); });
}

}  // namespace vnet
