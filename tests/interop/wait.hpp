#pragma once

#include <chrono>
#include <thread>
#include <utility>

namespace memberlist::interop {

using Clock = std::chrono::steady_clock;
using Timeout = std::chrono::milliseconds;

/// For a program to be ready, and for a command of its client: a sanitized program on a busy
/// machine.
inline constexpr Timeout kReadyTimeout = std::chrono::seconds(30);
inline constexpr Timeout kClientTimeout = std::chrono::seconds(30);

/// How often a peer that tells nothing by itself is asked again.
inline constexpr Timeout kPollInterval{20};

/// What is left until `deadline`, never below zero.
inline Timeout left_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<Timeout>(deadline - Clock::now());
  return left > Timeout::zero() ? left : Timeout::zero();
}

/// Asks again and again until `condition` holds; false if it does not within `timeout`.
template <class Condition>
bool eventually(Timeout timeout, Condition&& condition) {
  const auto deadline = Clock::now() + timeout;
  while (!condition()) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

/// True if `condition` holds each time it is asked during `period`: for what must not happen.
template <class Condition>
bool throughout(Timeout period, Condition&& condition) {
  return !eventually(period, [&] { return !condition(); });
}

}  // namespace memberlist::interop
