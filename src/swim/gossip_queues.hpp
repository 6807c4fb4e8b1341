#pragma once

#include "swim/broadcast_queue.hpp"
#include "swim/local_node.hpp"

namespace memberlist::swim {

/// What waits to be sent to others by gossip.
struct GossipQueues {
  BroadcastQueue member_broadcasts{BroadcastQueue::Order::largest_first};
  BroadcastQueue user_broadcasts;

  explicit GossipQueues(const LocalNode& node)
      : user_broadcasts(node.behaviour.user_turns ? BroadcastQueue::Order::oldest_first
                                                  : BroadcastQueue::Order::largest_first,
                        node.secrets.hash_tables) {}
};

}  // namespace memberlist::swim
