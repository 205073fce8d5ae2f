#include "batch.h"

#include <endian.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include "../socket.h"
#include "objects.h"

namespace vnet {

namespace {

// The generation is only told, not asked for.
const Object* const kObjects[] = {&kNftTable,    &kNftChain,  &kNftRule,      &kNftSet,
                                  &kNftElements, &kNftObject, &kNftFlowtable, &kNftGeneration};

void mark(Encoder& e, uint16_t type, uint32_t sequence, int64_t generation) {
  size_t at = e.out.begin_message(type, NLM_F_REQUEST, sequence);
  nfgenmsg g{AF_UNSPEC, NFNETLINK_V0, htobe16(NFNL_SUBSYS_NFTABLES)};
  e.out.raw(&g, sizeof g);
  if (generation >= 0) {
    e.out.scalar<uint32_t>(NFNL_BATCH_GENID, htobe32(static_cast<uint32_t>(generation)));
  }
  e.out.end_message(at);
}

const Object* find_object(const Value& message, Verb* verb) {
  const Value* op = message.get("op");
  const Object* object = nullptr;
  if (!op || !op->string() || !find_operation(kObjects, *op->string(), &object, verb)) {
    return nullptr;
  }
  return *verb <= Verb::kDestroy ? object : nullptr;
}

// Absent, or an integer from 0 to `max`.
bool is_number(const Value* v, int64_t max) {
  return !v || (v->integer() && *v->integer() >= 0 && *v->integer() <= max);
}

}  // namespace

size_t NftBatch::message_count(const Value& args) {
  const Value* messages = args.get("messages");
  return messages && messages->list() ? messages->list()->size() : 0;
}

bool NftBatch::wants_echo(const Value& args) {
  const Value* echo = args.get("echo");
  return echo && echo->boolean() && *echo->boolean();
}

void NftBatch::encode(const Value& args, uint32_t first, Encoder& e) {
  const Value* messages = args.get("messages");
  if (!messages || !messages->list()) return e.fail("needs a list of messages");
  if (!is_number(args.get("generation"), UINT32_MAX)) {
    return e.fail("needs a generation from 0 to 4294967295, or none");
  }
  const Value* echo = args.get("echo");
  if (echo && !echo->boolean()) return e.fail("needs echo to be true or false, or none");
  mark(e, NFNL_MSG_BATCH_BEGIN, first, args.number("generation", -1));
  uint32_t sequence = first;
  for (const Value& m : *messages->list()) {
    Verb verb = Verb::kGet;
    const Object* object = find_object(m, &verb);
    const Value* fields = m.get("args");
    e.path.push_back("messages." + std::to_string(sequence - first));
    if (!object || !fields) return e.fail("has no known op and args");
    if (!is_number(m.get("flags"), UINT16_MAX))
      return e.fail("needs flags from 0 to 65535, or none");
    auto flags = static_cast<uint16_t>(m.number("flags", 0) | NLM_F_REQUEST);
    encode_request(*object, verb, flags, ++sequence, 0, *fields, e);
    if (e.failed()) return;
    e.path.pop_back();
  }
  mark(e, NFNL_MSG_BATCH_END, ++sequence, -1);
  // Without its end the kernel would take the batch, commit nothing and say nothing.
  if (e.out.overflow()) e.fail("messages: are too many: the transaction has more than 16 MiB");
}

void NftBatch::name_culprit(const Value& args, uint32_t first, uint32_t culprit, const Bytes& sent,
                            const Bytes& error, Failure* f) {
  const List& messages = *args.get("messages")->list();
  size_t position = culprit - first;  // 0 is the begin
  Verb verb = Verb::kGet;
  bool known = position >= 1 && position <= messages.size();
  const Object* object = known ? find_object(messages[position - 1], &verb) : nullptr;
  View request;
  MessageCursor sent_messages({sent.data(), sent.size()});
  while (request.size == 0 && sent_messages.next()) {
    if (sent_messages.header.nlmsg_seq == culprit) request = sent_messages.payload;
  }
  MessageCursor answer({error.data(), error.size()});
  if (answer.next()) *f = parse_error(answer.header, answer.payload, object, request);
  if (!object) return;
  f->message = static_cast<int>(position - 1);
  std::string place = "message " + std::to_string(f->message) + " (" +
                      *messages[position - 1].get("op")->string() + ")";
  f->ext_ack = f->ext_ack.empty() ? place : f->ext_ack + "; " + place;
}

Value NftBatch::decode_echo(uint32_t first, const nlmsghdr& header, View payload) {
  for (const Object* o : kObjects) {
    for (const Notice& n : o->notices) {
      bool made = header.nlmsg_type == n.made;
      if (!made && (n.gone == 0 || header.nlmsg_type != n.gone)) continue;
      Map echo;
      echo.emplace_back("message", Value(int64_t{header.nlmsg_seq - first - 1}));
      echo.emplace_back("op", Value(std::string(o->name) + (made ? ".new" : ".del")));
      echo.emplace_back("value", decode_object(*o, payload));
      return Value(std::move(echo));
    }
  }
  return {};
}

}  // namespace vnet
