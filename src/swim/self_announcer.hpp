#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "memberlist/member.hpp"
#include "swim/clock.hpp"
#include "swim/cluster_view.hpp"
#include "swim/gossip_queues.hpp"
#include "swim/journal.hpp"
#include "swim/local_health.hpp"
#include "swim/local_node.hpp"
#include "swim/member_news.hpp"

namespace memberlist::swim {

/// What a SelfAnnouncer remembers: how far others follow its incarnation.
struct SelfAnnouncerState {
  std::uint32_t heard_incarnation_ = 1;    // of this node, received by all others by now
  TimePoint heard_at_ = TimePoint::min();  // when they have received the current one
  std::optional<std::uint32_t> goal_;      // where it goes from there
  bool step_planned_ = false;
};

/// What a SelfAnnouncer reads and changes.
struct SelfAnnouncerUses {
  Clock& clock_;
  LocalNode& node_;
  ClusterView& cluster_;
  GossipQueues& queues_;
  LocalHealth& health_;
  Journal& journal_;
  MemberNews& news_;
};

/// What this node says of itself (protocol 6): that it is here, refuses an accusation, has changed,
/// or leaves. Only it raises its own incarnation.
class SelfAnnouncer : SelfAnnouncerState, SelfAnnouncerUses {
 public:
  explicit SelfAnnouncer(const SelfAnnouncerUses& uses) : SelfAnnouncerUses(uses) {}
  SelfAnnouncer(const SelfAnnouncer& other, const SelfAnnouncerUses& uses)
      : SelfAnnouncerState(other), SelfAnnouncerUses(uses) {}

  /// Puts this node into the table, alive with incarnation 1, and announces it.
  void appear(std::shared_ptr<const MemberRecord> record);

  /// This node takes its leave; `token` is finished when the message was sent.
  void announce_leave(BroadcastToken token);
  /// The same without an announcement, which the others would attribute to the member that has this
  /// node's name.
  void leave_silently();
  /// This node's own record is another one from now on; `token` as above.
  void announce_update(std::shared_ptr<const MemberRecord> record, BroadcastToken token);
  /// This node, which took its leave, is here again, as `record` says; `token` as above.
  void announce_return(std::shared_ptr<const MemberRecord> record, BroadcastToken token);

  /// Answers an accusation of this incarnation, or another node's claim to be this one.
  void refute(std::uint32_t accused_incarnation);
  /// All others have received the incarnation with which this node answered an accusation.
  void go_on_refuting();

 private:
  void step_towards(std::uint32_t goal);
  void plan_step();
  void take_leave();
  void announce(std::shared_ptr<const MemberRecord> record, BroadcastToken token);
  void broadcast_self(BroadcastToken token);
};

}  // namespace memberlist::swim
