#pragma once

#include <optional>

#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/local_node.hpp"
#include "swim/streams.hpp"

namespace memberlist::swim {

/// What a PushPullSchedule remembers.
struct PushPullScheduleState {
  TimerHandle timer_;
  bool planned_after_join_ = false;
  std::optional<TimePoint> asked_after_stall_;
};

/// What a PushPullSchedule reads and changes.
struct PushPullScheduleUses {
  Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  Streams& streams_;
};

/// When this node exchanges its state with a random member (protocol 6, Push/pull): periodically,
/// once more after a join, and after it has stood still.
class PushPullSchedule : PushPullScheduleState, PushPullScheduleUses {
 public:
  explicit PushPullSchedule(const PushPullScheduleUses& uses) : PushPullScheduleUses(uses) {}
  PushPullSchedule(const PushPullSchedule& other, const PushPullScheduleUses& uses)
      : PushPullScheduleState(other), PushPullScheduleUses(uses) {}

  /// Plans the first periodic push/pull, after a random part of the interval.
  void start();
  void tick();
  /// This node stood still: brings the next periodic push/pull forward to now, to learn what has
  /// happened. At most once each push/pull interval, so that a node which stands still again and
  /// again does not burden its peers.
  void after_stall();
  /// This node has joined: one more in a while, with a random member.
  void plan_after_join();
  void after_join();

 private:
  void plan();
  /// One with a random live member, unless this node has left.
  void with_anybody();
};

}  // namespace memberlist::swim
