#pragma once

// Private to this room: the header that shows Asio.

#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <memory>

#include "memberlist/time.hpp"
#include "net/loop.hpp"

namespace memberlist::net {

struct ReceiveBuffers;

struct Loop::Context {
  asio::io_context io{1};
  std::atomic<bool> stop_at_once = false;         ///< there was no memory for a task that stops
  std::weak_ptr<ReceiveBuffers> receive_buffers;  ///< see ReceiveBuffers::of
};

/// The same point in time, for Asio's timers.
[[nodiscard]] inline std::chrono::steady_clock::time_point to_steady(TimePoint when) noexcept {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch()));
}

}  // namespace memberlist::net
