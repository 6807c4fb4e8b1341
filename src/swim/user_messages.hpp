#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "swim/context.hpp"
#include "swim/operations.hpp"
#include "swim/packets.hpp"
#include "swim/streams.hpp"

namespace memberlist::swim {

/// The application's own messages (protocol 4, user message): sent to one member by UDP or TCP, or
/// to all by gossip, and handed on as they come. Those that come by stream are handed on by
/// Streams.
class UserMessages {
 public:
  UserMessages(Context& context, PacketSender& packets, Streams& streams, Operations& operations)
      : context_(context), packets_(packets), streams_(streams), operations_(operations) {}

  /// One came in a packet.
  void received(BytesView payload, const Address& from);

  [[nodiscard]] Result<void> send_best_effort(const Address& to, BytesView payload);
  [[nodiscard]] Result<OperationId> send_reliable(const Address& to, BytesView payload,
                                                  std::optional<Duration> timeout);
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name);

 private:
  [[nodiscard]] Result<void> check_fits_packet(BytesView payload, std::string_view what,
                                               std::string_view instead) const;
  BytesView encode(BytesView payload);

  Context& context_;
  PacketSender& packets_;
  Streams& streams_;
  Operations& operations_;
  Bytes encoded_;  // kept, so that sending one allocates nothing
};

}  // namespace memberlist::swim
