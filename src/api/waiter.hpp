#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "memberlist/engine.hpp"
#include "memberlist/error.hpp"

namespace memberlist::api {

/// Where a call waits for the outcome that another thread brings.
class Waiter {
 public:
  /// The first outcome counts; later ones are ignored.
  void complete(Result<OperationOutcome> outcome) {
    const std::lock_guard lock(mutex_);
    if (done_) return;
    outcome_ = std::move(outcome);
    done_ = true;
    changed_.notify_all();
  }
  /// Waits for the outcome and takes it; once.
  [[nodiscard]] Result<OperationOutcome> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    return std::move(outcome_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Result<OperationOutcome> outcome_;
  bool done_ = false;
};

}  // namespace memberlist::api
