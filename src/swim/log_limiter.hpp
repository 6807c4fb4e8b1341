#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "memberlist/time.hpp"
#include "swim/rate_limit.hpp"

namespace memberlist::swim {

/// Keeps hostile or broken peers from flooding the log: each cause has
/// `limits::kLogLinesPerCausePerSecond` lines a second, the rest is counted.
class LogLimiter {
 public:
  struct Verdict {
    bool emit = false;
    /// Lines of this cause that were held back since the last one emitted; set if `emit`.
    std::uint64_t suppressed_before = 0;
  };

  /// May a line of `cause` (a small number, such as an enum's value) go out at `now`?
  [[nodiscard]] Verdict admit(TimePoint now, std::size_t cause) {
    if (cause >= windows_.size()) windows_.resize(cause + 1);
    Window& window = windows_[cause];
    if (!window.lines.take(now)) {
      ++window.suppressed;
      return {};
    }
    return {.emit = true, .suppressed_before = std::exchange(window.suppressed, 0)};
  }

 private:
  struct Window {
    RateLimit lines{limits::kLogLinesPerCausePerSecond};
    std::uint64_t suppressed = 0;
  };
  std::vector<Window> windows_;
};

}  // namespace memberlist::swim
