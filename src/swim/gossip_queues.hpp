#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "swim/broadcast_queue.hpp"
#include "swim/local_node.hpp"
#include "swim/member_table.hpp"

namespace memberlist::swim {

/// Members that this node learned by the answer to its first join. Their cluster knows them, so
/// there is little need to tell it of them: after all news, each goes into one gossip tick. Those
/// that joined last, and are known least, are at the end, and go first.
struct LearnedByJoin {
  std::vector<MemberIndex> members;
  std::uint64_t input = 0;  // the number of the input that they come from

  void add(MemberIndex member, std::uint64_t from_input) {
    members.push_back(member);
    input = from_input;
  }
};

/// What waits to be sent to others by gossip.
struct GossipQueues {
  BroadcastQueue member_broadcasts{BroadcastQueue::Order::largest_first};
  BroadcastQueue user_broadcasts;
  LearnedByJoin learned_by_join;

  explicit GossipQueues(const LocalNode& node)
      : user_broadcasts(node.behaviour.user_turns ? BroadcastQueue::Order::oldest_first
                                                  : BroadcastQueue::Order::largest_first,
                        node.secrets.hash_tables) {}

  [[nodiscard]] bool about_members() const noexcept {
    return !member_broadcasts.empty() || !learned_by_join.members.empty();
  }
  [[nodiscard]] bool empty() const noexcept { return !about_members() && user_broadcasts.empty(); }
  /// The number of messages.
  [[nodiscard]] std::size_t size() const noexcept {
    return member_broadcasts.size() + user_broadcasts.size() + learned_by_join.members.size();
  }
};

}  // namespace memberlist::swim
