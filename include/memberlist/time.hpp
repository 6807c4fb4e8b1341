#pragma once

#include <chrono>

namespace memberlist {

/// The engine's time line: monotonic, with an epoch that whoever drives the engine chooses. It has
/// no `now()`: time is handed in (docs/architecture.md).
struct EngineClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<EngineClock>;
  static constexpr bool is_steady = true;
};

using Duration = EngineClock::duration;
using TimePoint = EngineClock::time_point;

/// 'Never', as a deadline.
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace memberlist
