#pragma once

#include <optional>
#include <string_view>

#include "swim/context.hpp"
#include "swim/operations.hpp"
#include "swim/packets.hpp"
#include "swim/streams.hpp"

namespace memberlist::swim {

/// The application's messages (protocol 4, user message): sends them to one member by UDP or TCP,
/// or to all by gossip, and passes received ones to the application. Streams does that for those
/// that arrive by TCP.
class UserMessages {
 public:
  UserMessages(Context& context, PacketSender& packets, Streams& streams, Operations& operations)
      : context_(context), packets_(packets), streams_(streams), operations_(operations) {}

  /// A packet contained one.
  void received(BytesView payload, const Address& from);

  [[nodiscard]] Result<void> send_best_effort(const Address& to, BytesView payload);
  [[nodiscard]] Result<OperationId> send_reliable(const Address& to, BytesView payload,
                                                  std::optional<Duration> timeout);
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name);

 private:
  BytesView encode(BytesView payload);

  Context& context_;
  PacketSender& packets_;
  Streams& streams_;
  Operations& operations_;
  Bytes encoded_;  // reused, so that sending allocates nothing
};

}  // namespace memberlist::swim
