#include "executor.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "dump.h"
#include "genl/objects.h"
#include "json.h"
#include "nft/batch.h"
#include "rtnl/objects.h"
#include "stream.h"
#include "tun.h"

namespace vnet {

namespace {

using Indexes = std::vector<std::pair<int, int>>;  // interface, peer

// The entries of a dump: as values for what looks at them here, as text for JavaScript.
class Decoded final : public Entries {
 public:
  Decoded(const Object& object, Members members, bool text)
      : object_(object), members_(std::move(members)), text_(text) {}
  void clear() override {
    list_.clear();
    writer_.clear();
  }
  void add(View entry) override {
    if (text_) {
      write_entry(object_, entry, members_, writer_);
    } else {
      list_.push_back(decode_object(object_, entry, members_));
    }
  }
  Value take() { return text_ ? writer_.take() : Value(std::move(list_)); }

 private:
  const Object& object_;
  Members members_;
  bool text_;
  List list_;
  ListWriter writer_;
};

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
    bool made = s.verb == Verb::kTun || (s.verb == Verb::kNew && s.object->makes_link);
    if (!f && made && index->first == 0) {
      f = find_by_name(s, index);
      if (!f) note_index(*index, result);
    }
    if (f) f.op = s.op;
    name_kernel(s, &f);
    return f;
  }

  // An older kernel knows no such message (net/core/rtnetlink.c: EOPNOTSUPP).
  static void name_kernel(const Step& s, Failure* f) {
    bool old = f->error == EOPNOTSUPP && f->syscall.empty() && f->ext_ack.empty();
    if (!old || !s.object || !s.object->since) return;
    f->ext_ack = std::string("needs Linux ") + s.object->since;
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
        return flush(ns, s, result);
      case Verb::kEnsure:
        return ensure(ns, s, result, index);
      case Verb::kList:
        return list(ns, s, result);
      case Verb::kStream:
        return begin_stream(ns, s, result);
      case Verb::kStreamRead:
        return read_stream(ns, s, result);
      case Verb::kStreamClose:
        ns.forget(s.args.number("id", 0));
        return {};
      case Verb::kDump:
      case Verb::kDumpReset:
        return dump(ns, s, true, result);
      default:
        return request(ns, s, result, index);
    }
  }

  Failure socket_for(NetNs& ns, const Object& object, Socket** socket) {
    return ns.socket(object.family.protocol, socket);
  }

  // The number of a family of generic netlink; 0 elsewhere. It is the same in all namespaces.
  Failure generic_id(NetNs& ns, const Family& family, uint16_t* id) {
    *id = family.generic_id;
    if (!family.generic() || *id) return {};
    for (const auto& [known, number] : generic_ids_) {
      if (known == &family) return *id = number, Failure{};
    }
    Step get;
    get.object = &kGenericFamily;
    Map args;
    args.emplace_back("name", Value(std::string(family.name)));
    get.args = Value(std::move(args));
    Value answer;
    std::pair<int, int> index;
    Failure f = request(ns, get, &answer, &index);
    if (f.error == ENOENT) f.ext_ack = std::string("the kernel has no family ") + family.name;
    if (f) return f;
    *id = static_cast<uint16_t>(answer.number("id", 0));
    generic_ids_.emplace_back(&family, *id);
    return {};
  }

  Failure encode(const Object& object, Verb verb, uint16_t flags, uint16_t generic_id,
                 const Value& args, uint32_t sequence, Writer* w) {
    Encoder e(*w, fds_, &indexes_);
    encode_request(object, verb, flags, sequence, generic_id, args, e);
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
    uint16_t id = 0;
    if (Failure f = generic_id(ns, s.object->family, &id)) return f;
    auto flags = static_cast<uint16_t>(s.flags | NLM_F_REQUEST | NLM_F_ACK);
    bool creates = s.object->makes_link && s.verb == Verb::kNew && (s.flags & NLM_F_CREATE);
    if (creates) flags |= NLM_F_ECHO;
    uint32_t sequence = socket->next_sequence();
    Writer w;
    if (Failure f = encode(*s.object, s.verb, flags, id, s.args, sequence, &w)) return f;
    Members members = wanted(*s.object, s.args);
    Answer answer;
    Failure f = socket->exchange(
        {w.take(), sequence, s.object},
        [&](const nlmsghdr&, View payload) {
          Value v = decode_object(*s.object, payload, members);
          if (s.object->makes_link) {
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
    get.object = s.object;
    get.verb = Verb::kGet;
    get.ns = s.ns;
    Map args;
    args.emplace_back("name", *name);
    get.args = Value(std::move(args));
    Value ignored;
    return dispatch(get, &ignored, index);
  }

  // The members that the step wants to be told.
  static Members told(const Step& s) { return s.only.all() ? wanted(*s.object, s.args) : s.only; }

  // With `text` the result is on its way to JavaScript.
  Failure dump(NetNs& ns, const Step& s, bool text, Value* result) {
    bool one_family = s.object->families.empty() || s.args.number("family", 0);
    if (one_family) return dump_one(ns, s, text, result);
    List all;
    for (uint8_t family : s.object->families) {
      Step one = s;
      Map args = s.args.map() ? *s.args.map() : Map{};
      std::erase_if(args, [](const auto& member) { return member.first == "family"; });
      args.emplace_back("family", Value(int64_t{family}));
      one.args = Value(std::move(args));
      Value part;
      if (Failure f = dump_one(ns, one, false, &part)) return f;
      all.insert(all.end(), part.list()->begin(), part.list()->end());
    }
    *result = Value(std::move(all));
    return {};
  }

  Failure dump_one(NetNs& ns, const Step& s, bool text, Value* result) {
    Socket* socket = nullptr;
    if (Failure f = socket_for(ns, *s.object, &socket)) return f;
    // Where the kernel has no dump (NFT_MSG_GETGEN) it takes this for a look-up, whose one answer
    // has no end but the acknowledgement. A dump gets none.
    constexpr uint16_t flags = NLM_F_REQUEST | NLM_F_DUMP | NLM_F_ACK;
    uint16_t id = 0;
    if (Failure f = generic_id(ns, s.object->family, &id)) return f;
    Value args = dump_arguments(*s.object, s.args);
    bool all_come = !socket->strict() && s.object->family.protocol == NETLINK_ROUTE;
    // What is looked through here is needed whole.
    Decoded entries(*s.object, all_come ? wanted(*s.object, s.args) : told(s), text && !all_come);
    Failure f =
        run_dump(*socket,
                 {s.object,
                  [&](uint32_t sequence, Writer* w) {
                    return encode(*s.object, s.verb, flags, id, args, sequence, w);
                  },
                  [&](Socket* out) { return ns.open(s.object->family.protocol, out); }, abort_},
                 entries);
    if (!f) *result = entries.take();
    if (!f && all_come) f = look_through(s, result);
    return aborted() ? canceled(s) : f;
  }

  // The result is the number by which the stream is read and closed.
  Failure begin_stream(NetNs& ns, const Step& s, Value* result) {
    Step all = s;
    if (Failure f = resolve(&all)) return f;
    uint16_t id = 0;
    if (Failure f = generic_id(ns, s.object->family, &id)) return f;
    Socket socket;
    if (Failure f = ns.open(s.object->family.protocol, &socket)) return f;
    const Object& object = *s.object;
    bool all_come = object.family.protocol == NETLINK_ROUTE && !socket.strict();
    Failure f;
    if (all_come) f.ext_ack = needs_strict_dump(object, all.args);
    if (!f.ext_ack.empty()) {
      f.error = EOPNOTSUPP;
      return f;
    }
    // Which filters the kernel knows would show with the first part only: all flows are asked for.
    Value query = dump_arguments(object, query_of(object, s.verb, all.args, false));
    constexpr uint16_t flags = NLM_F_REQUEST | NLM_F_DUMP;
    Writer w;
    if (Failure bad = encode(object, Verb::kDump, flags, id, query, 0, &w)) return bad;
    bool look = all_come || object.filter;
    Members members = look ? wanted(object, all.args) : told(s);
    auto decode = [&object, look, args = all.args, members](View entry, ListWriter* out) {
      if (!look) return write_entry(object, entry, members, *out);
      Value value = decode_object(object, entry, members);
      bool meant = object.filter ? selects(object, args, value) : dump_selects(object, args, value);
      if (meant) out->add(std::move(value));
    };
    *result = Value(
        ns.keep(std::make_unique<Stream>(std::move(socket), object, w.take(), std::move(decode))));
    return {};
  }

  Failure read_stream(NetNs& ns, const Step& s, Value* result) {
    Stream* stream = ns.stream(s.args.number("id", 0));
    if (!stream) return syscall_failure("stream.read", "recvfrom", EBADF);
    ListWriter entries;
    bool done = false;
    if (Failure f = stream->read(abort_, &entries, &done)) return f;
    Map answer;
    answer.emplace_back("entries", entries.take());
    answer.emplace_back("done", Value(done));
    *result = Value(std::move(answer));
    return {};
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

  // The entries of a dump that the filter means.
  Failure list(NetNs& ns, const Step& s, Value* result) {
    Step all = s;
    if (Failure f = resolve(&all)) return f;
    Value filter = all.args;
    all.args = query_of(*s.object, s.verb, filter, true);
    Value entries;
    Failure f = dump(ns, all, false, &entries);
    if (f && !f.aborted && f.syscall.empty() && s.object->filter) {
      // The kernel may not know the filter: all entries come, and are looked through here.
      all.args = query_of(*s.object, s.verb, filter, false);
      f = dump(ns, all, false, &entries);
    }
    if (f) return f;
    List meant;
    for (const Value& entry : *entries.list()) {
      if (selects(*s.object, filter, entry)) meant.push_back(entry);
    }
    *result = Value(std::move(meant));
    return {};
  }

  // EEXIST when the dump has its equal, so that it is accepted, and undone, as the kernel's own
  // would.
  Failure ensure(NetNs& ns, const Step& s, Value* result, std::pair<int, int>* index) {
    Step make = s;
    make.verb = Verb::kNew;
    Writer w;
    if (Failure f = encode(*s.object, Verb::kNew, 0, 0, s.args, 0, &w)) return f;
    // As the kernel would tell it: addresses have one form.
    Value asked =
        decode_object(*s.object, View{w.bytes().data(), w.bytes().size()}.from(sizeof(nlmsghdr)));
    Step all;
    all.object = s.object;
    all.verb = Verb::kDump;
    Map args;
    args.emplace_back("family", Value(s.args.number("family", 0)));
    all.args = Value(std::move(args));
    Value entries;
    if (Failure f = dump(ns, all, false, &entries)) return f;
    for (const Value& entry : *entries.list()) {
      if (!s.object->equal(asked, entry)) continue;
      Failure there;
      there.error = EEXIST;
      return there;
    }
    return request(ns, make, result, index);
  }

  // Deletes what `list` tells. The result is how many entries there were.
  Failure flush(NetNs& ns, const Step& s, Value* result) {
    Value entries;
    if (Failure f = list(ns, s, &entries)) return f;
    int64_t count = 0;
    for (const Value& entry : *entries.list()) {
      if (aborted()) return canceled(s);
      Step del = s;
      del.verb = Verb::kDel;
      del.args = key_of(*s.object, entry);
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

  const Plan& plan_;
  std::vector<int> fds_;
  Indexes indexes_;
  std::vector<bool> changed_;
  std::vector<std::pair<const Family*, uint16_t>> generic_ids_;
  const AbortFlag* abort_;
};

}  // namespace

Outcome run_plan(const Plan& plan, const AbortFlag* abort) { return Runner(plan, abort).run(); }

}  // namespace vnet
