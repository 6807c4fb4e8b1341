#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memberlist/time.hpp"
#include "swim/log_cause.hpp"

namespace memberlist::swim {

/// What goes on for long, or comes again and again: a member that no UDP reaches, a peer with
/// another key. The log tells it when it begins, every `limits::kLastingStateReminder` while it
/// lasts, and when it is over; not each time that it shows.
///
/// Of at most `limits::kLastingStates` at a time, since peers can make as many as they like. What
/// finds no place is not followed, and its caller tells it as it comes.
class LastingStates {
 public:
  struct State {
    TimePoint began;
    TimePoint seen;                 ///< the last time
    std::optional<TimePoint> told;  ///< the last time; none: not yet
    std::uint64_t times = 0;
    std::string text;  ///< that was told first, and about whom
    std::string peer;

    /// Whether it is time to tell it.
    [[nodiscard]] bool is_due(TimePoint now) const noexcept;
    [[nodiscard]] Duration lasted() const noexcept { return seen - began; }
  };

  /// It shows at `now`. `subject` tells it from others of its cause, by a keyed hash. Nullptr:
  /// there is no place for it. Valid until the next call.
  [[nodiscard]] State* seen(TimePoint now, LogCause cause, std::uint64_t subject);

  /// There is a sign at `now` that it is over. It is taken for one only if the state has not shown
  /// for a while, so that what comes and goes is not told each time. None: not over, nor told.
  [[nodiscard]] std::optional<State> well(TimePoint now, LogCause cause, std::uint64_t subject);

  /// Forgets those that have not shown for `limits::kLastingStateReminder`, and returns those that
  /// were told and did not pass at once, the oldest first.
  [[nodiscard]] std::vector<State> take_over(TimePoint now);

  /// When `take_over` may find one; none if there is no state.
  [[nodiscard]] std::optional<TimePoint> next_over() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return states_.size(); }

 private:
  std::map<std::pair<LogCause, std::uint64_t>, State> states_;
};

/// A time as people read it: `40 s`, `12 min`, `3 h 20 min`.
[[nodiscard]] std::string rough_duration(Duration time);

}  // namespace memberlist::swim
