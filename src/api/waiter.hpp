#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
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
    if (outcome_) return;
    outcome_ = std::move(outcome);
    changed_.notify_all();
  }
  /// Waits for the outcome and takes it; once.
  [[nodiscard]] Result<OperationOutcome> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return outcome_.has_value(); });
    return std::move(outcome_).value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Result<OperationOutcome>> outcome_;
};

}  // namespace memberlist::api
