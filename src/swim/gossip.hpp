#pragma once

#include <vector>

#include "swim/context.hpp"
#include "swim/packets.hpp"

namespace memberlist::swim {

/// What a Gossiper remembers.
struct GossiperState {
  std::vector<MemberIndex> upcoming_;  // the members still to be sent user messages, last first
};

/// Sends what is queued to a few random members now and then (protocol 7).
class Gossiper : GossiperState {
 public:
  Gossiper(Context& context, PacketSender& packets) : context_(context), packets_(packets) {}
  Gossiper(const Gossiper& other, Context& context, PacketSender& packets)
      : GossiperState(other), context_(context), packets_(packets) {}

  /// Plans the first tick, after a random part of the interval.
  void start();
  void tick();
  /// One round at once, e.g. for a leave that should not wait.
  void round();
  /// Says how full the queues are.
  void check_queues();

 private:
  void gossip_about_members();
  void gossip_user_messages();
  [[nodiscard]] bool wanted(const MemberEntry& entry) const;

  Context& context_;
  PacketSender& packets_;
  std::vector<MemberIndex> targets_;
};

}  // namespace memberlist::swim
