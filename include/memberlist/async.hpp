#pragma once

#include <coroutine>
#include <functional>
#include <optional>
#include <utility>

#include "memberlist/language.hpp"

namespace memberlist {

/// What an asynchronous call returns to a coroutine: `auto joined = co_await list.join_async(...)`,
/// in a coroutine of any library. The call starts at `co_await`, not before; await it once. The
/// coroutine resumes on the thread that delivers the outcome: the event thread of the Memberlist,
/// or, after a shutdown, the calling thread. The outcome always arrives, so the coroutine never
/// stays suspended. (g++ 12 fails on braces inside a `co_await`: define the addresses and options
/// before.)
template <class Outcome>
class Awaitable {
 public:
  /// A function that takes the outcome.
  using Done = std::function<void(Outcome)>;

  /// `start` is called once, with a function that it must call once with the outcome.
  explicit Awaitable(std::function<void(Done)> start) : start_(std::move(start)) {}

  /// Always false: the call has not started.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  /// Starts the call; `waiting` resumes with its outcome.
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
