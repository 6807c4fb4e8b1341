#pragma once

#include <cstddef>

#include "swim/context.hpp"
#include "swim/membership.hpp"
#include "swim/probe.hpp"
#include "swim/user_messages.hpp"
#include "wire/packet.hpp"

namespace memberlist::swim {

/// Handles received datagrams: `wire` removes the layers and decodes the messages, and each message
/// goes to the part that knows its rule. What cannot be parsed is dropped and counted by its
/// reason.
class PacketIntake {
 public:
  PacketIntake(Context& context, Prober& prober, Membership& membership, UserMessages& messages)
      : context_(context), prober_(prober), membership_(membership), user_messages_(messages) {}

  /// `asked` is the local address that the datagram was sent to, from which answers are sent.
  void take(const Address& from, BytesView datagram, const IpAddress& asked);

 private:
  void message(const wire::PacketMessage& message, const Address& from, const IpAddress& asked);
  [[nodiscard]] bool may_ask(const Address& from);

  Context& context_;
  Prober& prober_;
  Membership& membership_;
  UserMessages& user_messages_;
  wire::PacketOpener opener_;
  std::size_t requests_ = 0;  // pings, direct and indirect, in the present packet
};

}  // namespace memberlist::swim
