// An nft transaction: begin, messages, end, in one datagram.
#pragma once

#include <string>

#include "../failure.h"
#include "../wire/object.h"

namespace vnet {

struct NftBatch {
  // Writes { messages: [{ op, flags, args }], generation?, echo? }. The begin has the sequence
  // number `first`, and each message the next.
  static void encode(const Value& args, uint32_t first, Encoder& e);
  static size_t message_count(const Value& args);
  // Whether the kernel was asked to tell what it made.
  static bool wants_echo(const Value& args);
  // Says which message of the batch was refused, and which of its attributes. `error` is the
  // NLMSG_ERROR message.
  static void name_culprit(const Value& args, uint32_t first, uint32_t culprit, const Bytes& sent,
                           const Bytes& error, Failure* f);
  // A notification that answers the message of that sequence number:
  // { message, op, value }, or null for what is none of nftables.
  static Value decode_echo(uint32_t first, const nlmsghdr& header, View payload);
};

}  // namespace vnet
