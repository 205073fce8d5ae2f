#include "stream.h"

#include <linux/netlink.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace vnet {

namespace {

// Of 32 KiB: some 400 routes, whose decoding holds JavaScript up for a millisecond.
constexpr uint32_t kPartsAtOnce = 1;
// The second look has datagrams of another size (see Reader in dump.cc).
constexpr size_t kFirstParts = 28 * 1024;
constexpr size_t kSecondParts = 32 * 1024;

Failure changed_meanwhile() {
  Failure f;
  f.error = EINTR;
  f.ext_ack = "the table changed while it was read: entries may be missing or have come twice";
  return f;
}

}  // namespace

Stream::Stream(Socket socket, const Object& object, Bytes request, Decode decode)
    : socket_(std::move(socket)),
      object_(object),
      request_{std::move(request), 0, &object},
      decode_(std::move(decode)),
      fingerprint_(object) {}

Failure Stream::begin() {
  bool by_generation = object_.guard == Guard::kGeneration;
  if (by_generation && generation_ < 0) {
    if (Failure f = settled_generation(socket_, &generation_)) return f;
  }
  socket_.limit_parts(first_ ? kSecondParts : kFirstParts);
  request_.sequence = socket_.next_sequence();
  std::memcpy(request_.bytes.data() + offsetof(nlmsghdr, nlmsg_seq), &request_.sequence,
              sizeof request_.sequence);
  answer_ = {};
  look_ = std::make_unique<Look>(object_, object_.guard == Guard::kRoutes);
  begun_ = true;
  return socket_.start(request_);
}

Failure Stream::end_look(bool* done) {
  look_->end();
  if (answer_.interrupted) return changed_meanwhile();
  if (object_.guard == Guard::kGeneration && answer_.parts > 1) {
    int64_t after = -1;
    if (Failure f = settled_generation(socket_, &after)) return f;
    if (after != generation_) return changed_meanwhile();
  }
  if (first_) {
    if (!look_->unique() || !(*first_ == *look_)) return changed_meanwhile();
  } else if (look_->doubtful()) {
    first_ = std::move(look_);
    begun_ = false;
    return {};
  }
  *done = true;
  return {};
}

Failure Stream::read(const AbortFlag* abort, ListWriter* entries, bool* done) {
  if (!begun_) {
    if (Failure f = begin()) return f;
  }
  for (uint32_t i = 0; i < kPartsAtOnce; i++) {
    bool last = false;
    Failure f = socket_.read_part(
        request_,
        [&](const nlmsghdr&, View entry) {
          look_->see(fingerprint_, entry, answer_.parts);
          if (!first_) decode_(entry, entries);
        },
        &answer_, &last);
    if (f) return f;
    if (last) return end_look(done);
    if (abort && abort->load(std::memory_order_relaxed)) {
      f.error = ECANCELED;
      f.aborted = true;
      return f;
    }
  }
  return {};
}

}  // namespace vnet
