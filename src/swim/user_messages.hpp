#pragma once

#include <optional>
#include <string_view>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/operations.hpp"
#include "swim/output_queue.hpp"
#include "swim/packets.hpp"
#include "swim/streams.hpp"

namespace memberlist::swim {

/// What a UserMessages reads and changes.
struct UserMessagesUses {
  const Clock& clock_;
  const LocalNode& node_;
  const ClusterView& cluster_;
  GossipQueues& queues_;
  OutputQueue& out_;
  Journal& journal_;
  PacketSender& packets_;
  Streams& streams_;
  Operations& operations_;
};

/// The application's messages (protocol 4, user message): sends them to one member by UDP or TCP,
/// or to all by gossip, and passes received ones to the application. Streams does that for those
/// that arrive by TCP.
class UserMessages : UserMessagesUses {
 public:
  explicit UserMessages(const UserMessagesUses& uses) : UserMessagesUses(uses) {}

  /// A packet from `from` contained one; `sender` is the member with this address, if it was known
  /// when the packet came.
  void received(BytesView payload, const Address& from, MemberIndex sender);

  [[nodiscard]] Result<void> send_best_effort(const Address& to, BytesView payload);
  [[nodiscard]] Result<OperationId> send_reliable(const Address& to, BytesView payload,
                                                  std::optional<Duration> timeout);
  [[nodiscard]] Result<void> broadcast(BytesView payload, std::string_view name);

 private:
  BytesView encode(BytesView payload);

  Bytes encoded_;  // reused, so that sending allocates nothing
};

}  // namespace memberlist::swim
