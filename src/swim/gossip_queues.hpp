#pragma once

#include "base/secrets.hpp"
#include "swim/broadcast_queue.hpp"

namespace memberlist::swim {

/// What waits to be sent to others by gossip.
struct GossipQueues {
  BroadcastQueue member_broadcasts{BroadcastQueue::Order::largest_first};
  BroadcastQueue user_broadcasts;

  explicit GossipQueues(const Secrets& secrets)
      : user_broadcasts(BroadcastQueue::Order::oldest_first, secrets.hash_tables) {}
};

}  // namespace memberlist::swim
