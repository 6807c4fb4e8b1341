#pragma once

#include "swim/clock.hpp"
#include "swim/journal.hpp"
#include "swim/local_health.hpp"
#include "swim/local_node.hpp"
#include "swim/membership.hpp"
#include "swim/probe.hpp"
#include "swim/push_pull_schedule.hpp"

namespace memberlist::swim {

/// What a StallRule remembers.
struct StallRuleState {
  TimePoint last_input_;
};

/// What a StallRule reads and changes.
struct StallRuleUses {
  const Clock& clock_;
  const LocalNode& node_;
  LocalHealth& health_;
  Journal& journal_;
  Prober& prober_;
  Membership& membership_;
  PushPullSchedule& push_pull_schedule_;
};

/// Finds out whether this node stood still: its machine was suspended, or its process was starved
/// (protocol 5, 'Stalls'). What was not heard meanwhile is nobody's fault: probes under way are
/// repeated, suspicions are extended, this node trusts itself no more than if it had failed the
/// probes that it missed, and it asks another member what has happened. All of this is bounded, so
/// that a node which stands still again and again still finds out who is dead.
class StallRule : StallRuleState, StallRuleUses {
 public:
  explicit StallRule(const StallRuleUses& uses)
      : StallRuleState{uses.clock_.now}, StallRuleUses(uses) {}
  StallRule(const StallRule& other, const StallRuleUses& uses)
      : StallRuleState(other), StallRuleUses(uses) {}

  /// To be called before an input is acted on, once the engine's time has moved on to it.
  ///
  /// Not before commands, which must change nothing if they fail. Not before what happens to a
  /// stream either: a stall aborts probes' streams and dials somebody, but an accepted stream has
  /// the newest id, and one that is over must not be aborted. The deadline that is overdue then
  /// finds the stall next.
  void check();

 private:
  void go_on_after(Duration stood_still);
};

}  // namespace memberlist::swim
