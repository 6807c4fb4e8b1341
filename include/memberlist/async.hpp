#pragma once

#include <coroutine>
#include <functional>
#include <optional>
#include <utility>

namespace memberlist {

/// What an asynchronous call returns to a coroutine: `auto joined = co_await list.join_async(...)`,
/// in a coroutine of any library. The call begins with `co_await`, not before; await it once. The
/// coroutine goes on on the thread that brings the outcome: the event thread of the Memberlist (or,
/// once that was shut down, whichever calls), so whoever wants another one moves there first. The
/// call's outcome always comes, so a waiting coroutine is never left behind. (g++ 12 fails on
/// braces inside a `co_await`: name the addresses and options before.)
template <class Outcome>
class Awaitable {
 public:
  /// What is to be called with the outcome.
  using Done = std::function<void(Outcome)>;

  /// `start` is called once, with what to call once with the outcome.
  explicit Awaitable(std::function<void(Done)> start) : start_(std::move(start)) {}

  /// Never: the call has not begun.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  /// Begins the call; `waiting` goes on with its outcome.
  void await_suspend(std::coroutine_handle<> waiting) {
    // The outcome may come, and the coroutine end, before `start` returns.
    const auto start = std::move(start_);
    start([this, waiting](Outcome outcome) {
      outcome_ = std::move(outcome);
      waiting.resume();
    });
  }
  /// The outcome.
  [[nodiscard]] Outcome await_resume() { return *std::move(outcome_); }

 private:
  std::function<void(Done)> start_;
  std::optional<Outcome> outcome_;
};

}  // namespace memberlist
