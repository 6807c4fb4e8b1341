#pragma once

#include "swim/context.hpp"
#include "swim/membership.hpp"
#include "swim/probe.hpp"
#include "swim/streams.hpp"

namespace memberlist::swim {

/// Finds out whether this node stood still: its machine was suspended, or its process was starved
/// (protocol 5, 'Stalls'). What was not heard meanwhile is nobody's fault: probes under way are
/// repeated, suspicions are extended, this node trusts itself no more than if it had failed the
/// probes that it missed, and it asks another member what has happened. All of this is bounded, so
/// that a node which stands still again and again still finds out who is dead.
class StallRule {
 public:
  StallRule(Context& context, Prober& prober, Membership& membership, Streams& streams)
      : context_(context), prober_(prober), membership_(membership), streams_(streams) {}
  StallRule(const StallRule& other, Context& context, Prober& prober, Membership& membership,
            Streams& streams)
      : StallRule(context, prober, membership, streams) {
    last_input_ = other.last_input_;
  }

  /// To be called before an input is acted on, once the engine's time has moved on to it.
  ///
  /// Not before commands, which must change nothing if they fail. Not before what happens to a
  /// stream either: a stall aborts probes' streams and dials somebody, but an accepted stream has
  /// the newest id, and one that is over must not be aborted. The deadline that is overdue then
  /// finds the stall next.
  void check();

 private:
  void go_on_after(Duration stood_still);

  Context& context_;
  Prober& prober_;
  Membership& membership_;
  Streams& streams_;
  TimePoint last_input_ = context_.now;
};

}  // namespace memberlist::swim
