#pragma once

// Private to this room: the header that shows Asio.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <functional>

#include "memberlist/time.hpp"
#include "net/loop.hpp"

namespace memberlist::net {

struct Loop::Context {
  asio::io_context io{1};
  asio::steady_timer timer{io};
  std::function<void()> on_deadline;
  TimePoint wanted = kNever;  ///< the deadline as it was set last
  TimePoint armed = kNever;   ///< what the timer waits for; at most `wanted`
};

/// The same moment for Asio's timers.
[[nodiscard]] inline std::chrono::steady_clock::time_point to_steady(TimePoint when) noexcept {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch()));
}

}  // namespace memberlist::net
