#pragma once

#include <vector>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/local_node.hpp"
#include "swim/packets.hpp"

namespace memberlist::swim {

/// What a Gossiper remembers.
struct GossiperState {
  std::vector<MemberIndex> upcoming_;  // the members still to be sent user messages, last first
};

/// What a Gossiper reads and changes.
struct GossiperUses {
  Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  GossipQueues& queues_;
  Journal& journal_;
  PacketSender& packets_;
};

/// Sends what is queued to a few random members now and then (protocol 7).
class Gossiper : GossiperState, GossiperUses {
 public:
  explicit Gossiper(const GossiperUses& uses) : GossiperUses(uses) {}
  Gossiper(const Gossiper& other, const GossiperUses& uses)
      : GossiperState(other), GossiperUses(uses) {}

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

  std::vector<MemberIndex> targets_;
};

}  // namespace memberlist::swim
