#pragma once

#include <cstdint>

#include "base/timer_heap.hpp"
#include "memberlist/time.hpp"

namespace memberlist::swim {

/// What a timer is about, with the number that says which.
struct TimerEvent {
  enum class Kind : std::uint8_t {
    probe_tick,
    gossip_tick,
    push_pull_tick,
    push_pull_after_join,
    queue_check,
    probe_timeout,   // number: sequence number
    probe_deadline,  // number: sequence number
    relay_timeout,   // number: sequence number
    relay_end,       // number: sequence number
    ping_timeout,    // number: sequence number
    suspicion,       // number: member index
    refutation,
    stream,     // number: stream id
    operation,  // number: operation id
    lasting_states,
  };
  Kind kind = Kind::probe_tick;
  std::uint64_t number = 0;
};

/// The engine's time: the moment of the current input, and what is to happen later.
struct Clock {
  TimePoint now{};
  std::uint64_t input = 0;  // the number of the current input
  TimerHeap<TimerEvent> timers{};

  /// The moment that is `time` from now. `Duration::max()` is a way to say 'no limit'.
  [[nodiscard]] TimePoint after(Duration time) const noexcept {
    return time > kNever - now ? kNever : now + time;
  }
};

}  // namespace memberlist::swim
