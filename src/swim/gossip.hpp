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
  TimePoint next_tick_{};
  bool ticks_ = false;  // the next tick is planned
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

  /// Sets the time of the first tick, after a random part of the interval. Ticks follow each other
  /// at the interval, but only those with something to send take place.
  void start();
  void tick();
  /// To be called at the end of each input: plans the next tick if that has something to send.
  void plan_tick() {
    if (!ticks_ && has_news()) resume_ticks();
  }
  /// One round at once, e.g. for a leave that should not wait.
  void round();
  /// Says how full the queues are.
  void check_queues();

 private:
  void gossip_about_members();
  void gossip_user_messages();
  [[nodiscard]] bool wanted(const MemberEntry& entry) const;
  /// Whether the next tick may have something to send. What a policy adds is not known before.
  [[nodiscard]] bool has_news() const {
    return node_.policy != nullptr || (cluster_.table.size() > 1 && !queues_.empty());
  }
  [[nodiscard]] bool gossips() const {
    return node_.config.gossip_interval > Duration::zero() && node_.config.gossip_nodes > 0;
  }
  void resume_ticks();

  std::vector<MemberIndex> targets_;
};

}  // namespace memberlist::swim
