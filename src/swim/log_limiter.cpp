#include "swim/log_limiter.hpp"

#include <chrono>
#include <utility>

#include "base/limits.hpp"

namespace memberlist::swim {

LogLimiter::Verdict LogLimiter::admit(TimePoint now, std::size_t cause) {
  if (cause >= windows_.size()) windows_.resize(cause + 1);
  Window& window = windows_[cause];
  if (window.lines == 0 || now - window.start >= std::chrono::seconds(1)) {
    window.start = now;
    window.lines = 0;
  }
  if (window.lines >= limits::kLogLinesPerCausePerSecond) {
    ++window.suppressed;
    return {};
  }
  ++window.lines;
  return {.emit = true, .suppressed_before = std::exchange(window.suppressed, 0)};
}

}  // namespace memberlist::swim
