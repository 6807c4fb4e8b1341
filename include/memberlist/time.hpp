#pragma once

#include <chrono>

namespace memberlist {

/// The engine's time line: monotonic, with an epoch that whoever drives the engine chooses. It has
/// no `now()`: time is handed in (docs/architecture.md).
struct EngineClock {
  using duration = std::chrono::nanoseconds;                ///< signed, of 64 bits
  using rep = duration::rep;                                ///< what a clock has to name
  using period = duration::period;                          ///< what a clock has to name
  using time_point = std::chrono::time_point<EngineClock>;  ///< since the driver's epoch
  static constexpr bool is_steady = true;                   ///< it never goes backwards
};

/// A span of time, in nanoseconds; every `std::chrono` duration of whole units converts to it.
using Duration = EngineClock::duration;
/// A moment on the engine's time line.
using TimePoint = EngineClock::time_point;

/// 'Never', as a deadline.
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace memberlist
