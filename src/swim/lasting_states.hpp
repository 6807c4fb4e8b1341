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

/// Conditions that last or recur: a member that no UDP reaches, a peer with another key. The log
/// reports one when it begins, every `limits::kLastingStateReminder` while it lasts, and when it is
/// over; not each time that it is observed.
///
/// Holds at most `limits::kLastingStates` at a time, because peers can cause any number. A
/// condition that finds no room is not tracked, and its caller logs it each time.
class LastingStates {
 public:
  struct State {
    TimePoint began;
    TimePoint seen;                 ///< the last time
    std::optional<TimePoint> told;  ///< the last time; none: not yet
    std::uint64_t times = 0;
    std::string text;  ///< that was told first, and about whom
    std::string peer;

    /// Whether it is time to log it.
    [[nodiscard]] bool is_due(TimePoint now) const noexcept;
    [[nodiscard]] Duration lasted() const noexcept { return seen - began; }
  };

  /// The condition is observed at `now`. `subject` distinguishes it from others of its cause, by a
  /// keyed hash. Nullptr: there is no room for it. Valid until the next call.
  [[nodiscard]] State* seen(TimePoint now, LogCause cause, std::uint64_t subject);

  /// There is a sign at `now` that the condition is over. It counts only if the condition has not
  /// been observed for some time, so that intermittent ones are not logged each time. None: not
  /// over, or its beginning was not logged.
  [[nodiscard]] std::optional<State> well(TimePoint now, LogCause cause, std::uint64_t subject);

  /// Forgets those that have not been observed for `limits::kLastingStateReminder`, and returns
  /// those that were logged and did not pass at once, the oldest first.
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
