#include "swim/log_limiter.hpp"

#include <utility>

namespace memberlist::swim {

LogLimiter::Verdict LogLimiter::admit(TimePoint now, std::size_t cause) {
  if (cause >= windows_.size()) windows_.resize(cause + 1);
  Window& window = windows_[cause];
  if (!window.lines.take(now)) {
    ++window.suppressed;
    return {};
  }
  return {.emit = true, .suppressed_before = std::exchange(window.suppressed, 0)};
}

}  // namespace memberlist::swim
