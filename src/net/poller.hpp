#pragma once

// Private to this room: which of many descriptors are ready. Linux has epoll; elsewhere it is
// poll(2), in whose place kqueue may come.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "memberlist/time.hpp"

namespace memberlist::net {

/// What a descriptor is wanted for, or ready for.
struct Readiness {
  bool read = false;
  bool write = false;

  [[nodiscard]] bool any() const noexcept { return read || write; }
  friend bool operator==(const Readiness&, const Readiness&) = default;
};

/// Waits until one of many descriptors is ready, or another thread wakes it. A descriptor that is
/// ready is reported each time, until it is no longer ready or no longer wanted. One that has
/// failed, or whose peer has, is ready for whatever it is wanted for, so that the next call on it
/// says why.
class Poller {
 public:
  struct Ready {
    std::uint64_t key = 0;  ///< as given to `want`
    Readiness is;
  };

  /// Throws std::system_error if no descriptors are left.
  Poller();
  ~Poller();

  /// Changes what a descriptor is wanted for, from `before` to `now`; nothing at all before the
  /// first call, and again before it is closed. Returns 0, or the errno why it is not watched.
  [[nodiscard]] int want(int descriptor, std::uint64_t key, Readiness before, Readiness now);

  /// Returns those that are ready, as soon as there are any; none after `timeout` (rounded up to
  /// milliseconds), or when woken. Without a timeout it waits for ever. Valid until the next call.
  [[nodiscard]] std::span<const Ready> wait(std::optional<Duration> timeout);

  /// Makes the `wait` that is under way return, or the next one. From any thread.
  void wake() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace memberlist::net
