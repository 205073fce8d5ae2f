#include "dump.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "nft/batch.h"
#include "nft/objects.h"

namespace vnet {

namespace {

constexpr int kTries = 10;

// The number of the ruleset, when no transaction is under way: an empty batch waits for the one
// that is (it takes the same mutex), and changes nothing.
Failure settled_generation(Socket& socket, int64_t* id) {
  Writer batch;
  const std::vector<int> no_namespaces;
  Encoder e(batch, no_namespaces, nullptr);
  Map nothing;
  nothing.emplace_back("messages", Value(List{}));
  uint32_t first = socket.take_sequences(2);
  NftBatch::encode(Value(std::move(nothing)), first, e);
  uint32_t culprit = 0;
  Bytes error;
  const auto ignore = [](const nlmsghdr&, View) {};
  Failure f = socket.batch(batch.bytes(), first, 2, false, ignore, &culprit, &error);
  if (f) return f;
  Writer get;
  uint32_t sequence = socket.next_sequence();
  Encoder request(get, no_namespaces, nullptr);
  encode_request(kNftGeneration, Verb::kGet, NLM_F_REQUEST | NLM_F_ACK, sequence, 0, Value(Map{}),
                 request);
  Answer answer;
  return socket.exchange(
      {get.take(), sequence, &kNftGeneration},
      [&](const nlmsghdr&, View payload) {
        *id = decode_object(kNftGeneration, payload).number("id", -1);
      },
      &answer);
}

Failure changed_each_time() {
  Failure f;
  f.error = EINTR;
  f.ext_ack = "the table changed during each of " + std::to_string(kTries) + " dumps";
  return f;
}

// Reads a table again and again until a reading is whole.
class Reader {
 public:
  Reader(Socket& socket, const Dump& dump, Entries& out)
      : shared_(socket), dump_(dump), out_(out), fingerprint_(*dump.object) {}

  Failure run() {
    if (Failure f = before()) return f;
    for (int attempt = 0; attempt < kTries; attempt++) {
      Answer answer;
      auto look = std::make_unique<Look>(*dump_.object, thorough_);
      Failure f = read(attempt, look.get(), &answer);
      if (f || dump_.aborted()) return f;
      bool whole = false;
      if (Failure bad = judge(std::move(look), answer, &whole)) return bad;
      if (whole) return {};
    }
    return changed_each_time();
  }

 private:
  bool by_generation() const { return dump_.object->guard == Guard::kGeneration; }
  Failure before() {
    return by_generation() ? settled_generation(shared_, &generation_) : Failure{};
  }

  Failure read(int attempt, Look* look, Answer* answer) {
    Socket fresh;
    Socket* socket = &shared_;
    if (thorough_) {
      // In a look that was cut at the same places the same entries could be missed, unnoticed. So
      // each has datagrams of another size.
      if (Failure f = dump_.open(&fresh)) return f;
      fresh.limit_parts(kPart - static_cast<size_t>(attempt) * kSmaller);
      socket = &fresh;
    }
    uint32_t sequence = socket->next_sequence();
    Writer w;
    if (Failure bad = dump_.encode(sequence, &w)) return bad;
    out_.clear();
    Failure f = socket->exchange(
        {w.take(), sequence, dump_.object},
        [&](const nlmsghdr&, View entry) {
          look->see(fingerprint_, entry, answer->parts);
          out_.add(entry);
        },
        answer, dump_.abort);
    look->end();
    return f;
  }

  Failure judge(std::unique_ptr<Look> look, const Answer& answer, bool* whole) {
    *whole = !answer.interrupted;
    if (by_generation() && answer.parts > 1) {
      int64_t after = -1;
      if (Failure bad = settled_generation(shared_, &after)) return bad;
      *whole = *whole && after == generation_;
      generation_ = after;
    } else if (look->doubtful() || thorough_) {
      *whole = *whole && last_ && look->unique() && *look == *last_;
      last_ = std::move(look);
      thorough_ = true;
    }
    return {};
  }

  static constexpr size_t kPart = 32 * 1024;
  static constexpr size_t kSmaller = 1500;

  Socket& shared_;
  const Dump& dump_;
  Entries& out_;
  Fingerprint fingerprint_;
  int64_t generation_ = -1;
  bool thorough_ = false;
  std::unique_ptr<Look> last_;
};

}  // namespace

Failure run_dump(Socket& socket, const Dump& dump, Entries& out) {
  return Reader(socket, dump, out).run();
}

}  // namespace vnet
