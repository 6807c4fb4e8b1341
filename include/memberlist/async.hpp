#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "memberlist/language.hpp"

namespace memberlist {

/// What an asynchronous call returns to a coroutine: `auto joined = co_await list.join_async(...)`,
/// in a coroutine of any library. The call starts at `co_await`, not before; await it once. The
/// coroutine resumes on the thread that delivers the outcome: the event thread of the Memberlist,
/// or, after a shutdown, a calling thread; then it does not even suspend, so that a loop around a
/// `co_await` uses no stack. The outcome always arrives, so the coroutine never stays suspended.
/// (g++ 12 fails on braces inside a `co_await`: define the addresses and options before.)
///
/// A coroutine may be destroyed while it waits: that cancels the call, and its outcome is dropped.
/// It must not be resumed at the same time, as everywhere in C++: destroy it on the event thread
/// (in a callback or a coroutine), or after `shutdown`.
template <class Outcome>
class Awaitable {
 public:
  /// A function that takes the outcome.
  using Done = std::function<void(Outcome)>;

  /// `start` is called once, with a function that it must call once with the outcome. `abandon` is
  /// called if the coroutine is destroyed before.
  explicit Awaitable(std::function<void(Done)> start, std::function<void()> abandon = {})
      : start_(std::move(start)), abandon_(std::move(abandon)) {}
  Awaitable(Awaitable&&) noexcept = default;             ///< a moved-from one cannot be awaited
  Awaitable& operator=(Awaitable&&) noexcept = default;  ///< a moved-from one cannot be awaited
  /// Cancels the call, if the coroutine still waits for it.
  ~Awaitable() {
    if (waiting_ && waiting_->abandon() && abandon_) abandon_();
  }

  /// Always false: the call has not started.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  /// Starts the call; `coroutine` resumes with its outcome. False: that has come within the call.
  bool await_suspend(std::coroutine_handle<> coroutine) {
    // The outcome may come, and the coroutine end, before `start` returns.
    const auto waiting = std::make_shared<Waiting>(coroutine);
    waiting_ = waiting;
    const auto start = std::move(start_);
    start([waiting](Outcome outcome) { waiting->complete(std::move(outcome)); });
    return waiting->suspend();
  }
  /// The outcome.
  [[nodiscard]] Outcome await_resume() { return *std::move(waiting_->outcome); }

 private:
  enum class Phase : std::uint8_t { starting, suspended, over, over_at_once, abandoned };

  /// Shared with the function that takes the outcome, which may outlive the coroutine.
  struct Waiting {
    explicit Waiting(std::coroutine_handle<> handle) : coroutine(handle) {}

    void complete(Outcome result) {
      outcome = std::move(result);
      if (std::this_thread::get_id() == starter && phase == Phase::starting) {
        phase = Phase::over_at_once;
      } else if (phase.exchange(Phase::over) != Phase::abandoned) {
        coroutine.resume();
      }
    }
    bool suspend() {
      Phase expected = Phase::starting;
      return phase.compare_exchange_strong(expected, Phase::suspended) ||
             expected != Phase::over_at_once;
    }
    /// Whether the coroutine was still waiting.
    bool abandon() {
      Phase now = phase;
      while (now == Phase::starting || now == Phase::suspended) {
        if (phase.compare_exchange_weak(now, Phase::abandoned)) return true;
      }
      return false;
    }

    const std::coroutine_handle<> coroutine;
    const std::thread::id starter = std::this_thread::get_id();
    std::atomic<Phase> phase = Phase::starting;
    std::optional<Outcome> outcome;
  };

  std::function<void(Done)> start_;
  std::function<void()> abandon_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace memberlist
