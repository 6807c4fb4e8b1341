#pragma once

#include <vector>

#include "swim/context.hpp"
#include "swim/packets.hpp"

namespace memberlist::swim {

/// Sends what is queued to a few random members now and then (protocol 7).
class Gossiper {
 public:
  Gossiper(Context& context, PacketSender& packets) : context_(context), packets_(packets) {}

  /// Plans the first tick, after a random part of the interval.
  void start();
  void tick();
  /// One round at once, e.g. for a leave that should not wait.
  void round();
  /// Says how full the queues are.
  void check_queues();

 private:
  [[nodiscard]] MemberIndex next_target();
  [[nodiscard]] bool wanted(MemberIndex index) const;

  Context& context_;
  PacketSender& packets_;
  std::vector<MemberIndex> upcoming_;  // whose turn comes before anybody is taken again, last first
};

}  // namespace memberlist::swim
