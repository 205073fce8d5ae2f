#include "executor.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "ct/filter.h"
#include "dump.h"
#include "nft/batch.h"
#include "nft/objects.h"
#include "rtnl/objects.h"
#include "tun.h"

namespace vnet {

namespace {

using Indexes = std::vector<std::pair<int, int>>;  // interface, peer

bool is_netfilter(const Object& o) { return o.fields == kNfFields; }

// The kernel sends the 25 counters of a link whatever RTEXT_FILTER_SKIP_STATS says (it leaves out
// those of IPv6); who set it does not want them read.
uint16_t unwanted(const Step& s) {
  bool skip = s.object == &kLink && (s.args.number("extMask", 0) & RTEXT_FILTER_SKIP_STATS);
  return skip ? IFLA_STATS64 : 0;
}

class Runner {
 public:
  Runner(const Plan& plan, const AbortFlag* abort)
      : plan_(plan), fds_(descriptors(plan)), abort_(abort) {}

  Outcome run() {
    Outcome out;
    indexes_.assign(plan_.steps.size(), {0, 0});
    changed_.assign(plan_.steps.size(), false);
    for (size_t i = 0; i < plan_.steps.size(); i++) {
      Value result;
      bool accepted = false;
      Failure f = aborted() ? canceled(plan_.steps[i])
                            : step(plan_.steps[i], &result, &indexes_[i], &accepted);
      changed_[i] = !f && !accepted;
      out.results.push_back(std::move(result));
      if (!f) continue;
      f.step = static_cast<int>(i);
      out.aborted = f.aborted;
      if (out.failure) {
        out.more_failures.push_back(std::move(f));
      } else {
        out.failure = std::move(f);
      }
      if (plan_.keep_going && !out.aborted) continue;
      if (!plan_.keep_going) undo(i, &out);
      break;
    }
    return out;
  }

 private:
  bool aborted() const { return abort_ && abort_->load(std::memory_order_relaxed); }

  static Failure canceled(const Step& s) {
    Failure f;
    f.op = s.op;
    f.error = ECANCELED;
    f.aborted = true;
    return f;
  }

  void undo(size_t failed, Outcome* out) {
    // Taking back is what the caller who aborts wants.
    abort_ = nullptr;
    for (size_t i = failed; i-- > 0;) {
      // A step that met what it wanted to make (or lacked what it wanted to delete) did nothing.
      if (!changed_[i]) continue;
      const std::vector<Step>& steps = plan_.steps[i].undo;
      for (const Step& s : steps) {
        Value ignored;
        std::pair<int, int> index;
        bool accepted = false;
        Failure f = step(s, &ignored, &index, &accepted);
        if (!f) continue;
        f.step = static_cast<int>(i);
        out->more_failures.push_back(std::move(f));
      }
    }
  }

  Failure step(const Step& s, Value* result, std::pair<int, int>* index, bool* accepted) {
    Failure f = dispatch(s, result, index);
    *accepted =
        f && !f.aborted && std::find(s.accept.begin(), s.accept.end(), f.error) != s.accept.end();
    if (*accepted) f = {};
    // Accepted EEXIST, a kernel without echo, a tun link: the index is asked for by name.
    bool made = s.verb == Verb::kTun || (s.object == &kLink && s.verb == Verb::kNew);
    if (!f && made && index->first == 0) {
      f = find_by_name(s, index);
      if (!f) note_index(*index, result);
    }
    if (f) f.op = s.op;
    return f;
  }

  Failure dispatch(const Step& s, Value* result, std::pair<int, int>* index) {
    NetNs& ns = *plan_.namespaces[s.ns];
    std::lock_guard<FairMutex> hold(ns.mutex);
    switch (s.verb) {
      case Verb::kSysctlGet: {
        std::string text;
        Failure f = sysctl_get(ns.fd(), *s.args.get("name")->string(), &text);
        if (!f) *result = Value(std::move(text));
        return f;
      }
      case Verb::kSysctlSet:
        return sysctl_set(ns.fd(), *s.args.get("name")->string(), *s.args.get("value")->string());
      case Verb::kTun:
        return add_tun(ns.fd(), s.args);
      case Verb::kBatch:
        return batch(ns, s, result);
      case Verb::kFlush:
        return s.object == &kConntrack ? flush_conntrack(ns, s, result) : flush(ns, s, result);
      case Verb::kList:
        return list_conntrack(ns, s, result);
      case Verb::kDump:
      case Verb::kDumpReset:
        return dump(ns, s, result);
      default:
        return request(ns, s, result, index);
    }
  }

  Failure socket_for(NetNs& ns, const Object& object, Socket** socket) {
    return ns.socket(is_netfilter(object) ? NETLINK_NETFILTER : NETLINK_ROUTE, socket);
  }

  Failure encode(const Object& object, Verb verb, uint16_t flags, const Value& args,
                 uint32_t sequence, Writer* w) {
    Encoder e(*w, fds_, &indexes_);
    size_t at = w->begin_message(message_type(object, verb), flags, sequence);
    e.object(object, args);
    w->end_message(at);
    Failure f;
    if (e.failed()) {
      // A look-up that was allowed to fail: what hangs on it fails as if the kernel had looked.
      f.error = e.missing_link() ? ENODEV : EINVAL;
      f.ext_ack = e.error();
    }
    return f;
  }

  Failure request(NetNs& ns, const Step& s, Value* result, std::pair<int, int>* index) {
    Socket* socket = nullptr;
    if (Failure f = socket_for(ns, *s.object, &socket)) return f;
    auto flags = static_cast<uint16_t>(s.flags | NLM_F_REQUEST | NLM_F_ACK);
    bool creates = s.object == &kLink && s.verb == Verb::kNew && (s.flags & NLM_F_CREATE);
    if (creates) flags |= NLM_F_ECHO;
    uint32_t sequence = socket->next_sequence();
    Writer w;
    if (Failure f = encode(*s.object, s.verb, flags, s.args, sequence, &w)) return f;
    Answer answer;
    Failure f = socket->exchange(
        {w.take(), sequence, s.object},
        [&](const nlmsghdr&, View payload) {
          Value v = decode_object(*s.object, payload, unwanted(s));
          if (s.object == &kLink) {
            *index = {static_cast<int>(v.number("index", 0)),
                      static_cast<int>(v.number("link", 0))};
          }
          if (!creates) *result = std::move(v);
        },
        &answer);
    if (!f && creates) note_index(*index, result);
    return f;
  }

  static void note_index(std::pair<int, int> index, Value* result) {
    Map m;
    m.emplace_back("index", Value(int64_t{index.first}));
    m.emplace_back("peerIndex", Value(int64_t{index.second}));
    *result = Value(std::move(m));
  }

  Failure find_by_name(const Step& s, std::pair<int, int>* index) {
    const Value* name = s.args.get("name");
    if (!name) return {};
    Step get;
    get.op = "link.get";
    get.object = &kLink;
    get.verb = Verb::kGet;
    get.ns = s.ns;
    Map args;
    args.emplace_back("name", *name);
    get.args = Value(std::move(args));
    Value ignored;
    return dispatch(get, &ignored, index);
  }

  Failure dump(NetNs& ns, const Step& s, Value* result) {
    Socket* socket = nullptr;
    if (Failure f = socket_for(ns, *s.object, &socket)) return f;
    // Where the kernel has no dump (NFT_MSG_GETGEN) it takes this for a look-up, whose one answer
    // has no end but the acknowledgement. A dump gets none.
    constexpr uint16_t flags = NLM_F_REQUEST | NLM_F_DUMP | NLM_F_ACK;
    Value args = dump_arguments(*s.object, s.args);
    Failure f = run_dump(
        *socket, *s.object, unwanted(s),
        [&](uint32_t sequence, Writer* w) {
          return encode(*s.object, s.verb, flags, args, sequence, w);
        },
        abort_, result);
    if (!f && !socket->strict() && !is_netfilter(*s.object)) f = look_through(s, result);
    return aborted() ? canceled(s) : f;
  }

  // Leaves of a dump what was asked for, where the kernel tells more.
  Failure look_through(const Step& s, Value* entries) {
    Step list = s;
    if (Failure f = resolve(&list)) return f;
    Failure f;
    f.ext_ack = needs_strict_dump(*s.object, list.args);
    if (!f.ext_ack.empty()) {
      f.error = EOPNOTSUPP;
      return f;
    }
    List kept;
    for (const Value& entry : *entries->list()) {
      if (dump_selects(*s.object, list.args, entry)) kept.push_back(entry);
    }
    *entries = Value(std::move(kept));
    return {};
  }

  Failure batch(NetNs& ns, const Step& s, Value* result) {
    Socket* socket = nullptr;
    if (Failure f = ns.socket(NETLINK_NETFILTER, &socket)) return f;
    Writer w;
    Encoder e(w, fds_, &indexes_);
    auto count = static_cast<uint32_t>(NftBatch::message_count(s.args));
    uint32_t first = socket->take_sequences(count + 2);  // and begin, and end
    NftBatch::encode(s.args, first, e);
    Failure f;
    if (e.failed()) {
      f.error = EINVAL;
      f.ext_ack = e.error();
      return f;
    }
    List echoes;
    uint32_t culprit = 0;
    Bytes error;
    auto on_echo = [&](const nlmsghdr& header, View payload) {
      Value echo = NftBatch::decode_echo(first, header, payload);
      if (!echo.null()) echoes.push_back(std::move(echo));
    };
    f = socket->batch(w.bytes(), first, count + 2, NftBatch::wants_echo(s.args), on_echo, &culprit,
                      &error);
    if (f && f.syscall.empty()) {
      NftBatch::name_culprit(s.args, first, culprit, w.bytes(), error, &f);
    }
    if (!f) *result = Value(std::move(echoes));
    return f;
  }

  // Puts indexes in the place of references, so that a filter can be compared.
  Failure resolve(Step* s) {
    Map args = s->args.map() ? *s->args.map() : Map{};
    Failure f;
    for (auto& [name, value] : args) {
      if (!value.ref()) continue;
      Writer w;
      Encoder e(w, fds_, &indexes_);
      uint32_t index = 0;
      e.path.push_back(name);
      if (e.link_index(value, &index)) {
        value = Value(int64_t{index});
      } else {
        f.error = ENODEV;
        f.ext_ack = e.error();
      }
    }
    s->args = Value(std::move(args));
    return f;
  }

  // Deletes the entries of a dump that fit all given numbers. The result is how many there were.
  Failure flush(NetNs& ns, const Step& s, Value* result) {
    Step list = s;
    if (Failure f = resolve(&list)) return f;
    Value entries;
    if (Failure f = dump(ns, list, &entries)) return f;
    int64_t count = 0;
    for (const Value& entry : *entries.list()) {
      if (!flush_selects(list.args, entry)) continue;
      if (aborted()) return canceled(s);
      Step del = s;
      del.verb = Verb::kDel;
      del.args = flush_arguments(*s.object, entry);
      Value ignored;
      std::pair<int, int> index;
      Failure f = request(ns, del, &ignored, &index);
      // What went with an entry before it (the secondaries of an address) is gone as well.
      if (f && f.error != ENOENT && f.error != ESRCH && f.error != EADDRNOTAVAIL) return f;
      if (!f) count++;
    }
    *result = Value(count);
    return {};
  }

  Failure list_conntrack(NetNs& ns, const Step& s, Value* result) {
    Step list = s;
    list.verb = Verb::kDump;
    list.args = conntrack_query(s.args, true);
    Failure f = dump(ns, list, result);
    if (f && !f.aborted && f.syscall.empty() && list.args.get("filter")) {
      // A kernel without CTA_FILTER (before 5.8): all entries come, and are looked through here.
      list.args = conntrack_query(s.args, false);
      f = dump(ns, list, result);
    }
    if (!f) *result = conntrack_matching(s.args, *result);
    return f;
  }

  // Deletes the entries that fit the filter. The result is how many there were.
  Failure flush_conntrack(NetNs& ns, const Step& s, Value* result) {
    Value entries;
    if (Failure f = list_conntrack(ns, s, &entries)) return f;
    int64_t count = 0;
    for (const Value& entry : *entries.list()) {
      if (aborted()) return canceled(s);
      Step del = s;
      del.verb = Verb::kDel;
      del.args = conntrack_key(entry);
      Value ignored;
      std::pair<int, int> index;
      Failure f = request(ns, del, &ignored, &index);
      if (f && f.error != ENOENT) return f;
      if (!f) count++;
    }
    *result = Value(count);
    return {};
  }

  const Plan& plan_;
  std::vector<int> fds_;
  Indexes indexes_;
  std::vector<bool> changed_;
  const AbortFlag* abort_;
};

}  // namespace

Outcome run_plan(const Plan& plan, const AbortFlag* abort) { return Runner(plan, abort).run(); }

}  // namespace vnet
