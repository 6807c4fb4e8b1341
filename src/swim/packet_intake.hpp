#pragma once

#include <cstddef>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/evidence.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/membership.hpp"
#include "swim/probe.hpp"
#include "swim/sealing_keys.hpp"
#include "swim/user_messages.hpp"
#include "wire/packet.hpp"

namespace memberlist::swim {

/// What a PacketIntake reads and changes.
struct PacketIntakeUses {
  const Clock& clock_;
  const LocalNode& node_;
  ClusterView& cluster_;
  const SealingKeys& keys_;
  Journal& journal_;
  Prober& prober_;
  Membership& membership_;
  UserMessages& user_messages_;
};

/// Handles received datagrams: `wire` removes the layers and decodes the messages, and each message
/// goes to the part that knows its rule. What cannot be parsed is dropped and counted by its
/// reason.
class PacketIntake : PacketIntakeUses {
 public:
  explicit PacketIntake(const PacketIntakeUses& uses) : PacketIntakeUses(uses) {}

  /// `asked` is the local address that the datagram was sent to, from which answers are sent.
  void take(const Address& from, BytesView datagram, const IpAddress& asked);

 private:
  void message(const wire::PacketMessage& message, const Address& from, const IpAddress& asked);
  [[nodiscard]] bool may_ask(const Address& from);

  wire::PacketOpener opener_;
  MemberIndex sender_ = kNoMember;  // of the present packet, as it was known when the packet came
  std::size_t requests_ = 0;        // pings, direct and indirect, in the present packet
};

}  // namespace memberlist::swim
