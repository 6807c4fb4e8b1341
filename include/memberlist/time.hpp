#pragma once

#include <chrono>

#include "memberlist/language.hpp"

namespace memberlist {

/// The engine's time line: monotonic, with an epoch chosen by the driver of the engine. It has no
/// `now()`: time is an argument (docs/architecture.md).
struct EngineClock {
  using duration = std::chrono::nanoseconds;                ///< signed, 64 bits
  using rep = duration::rep;                                ///< required of a clock
  using period = duration::period;                          ///< required of a clock
  using time_point = std::chrono::time_point<EngineClock>;  ///< since the driver's epoch
  static constexpr bool is_steady = true;                   ///< it never goes backwards
};

/// A duration in nanoseconds; every `std::chrono` duration of whole units converts to it.
using Duration = EngineClock::duration;
/// A moment on the engine's time line.
using TimePoint = EngineClock::time_point;

/// The deadline 'never'.
inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace memberlist
