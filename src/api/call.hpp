#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "memberlist/error.hpp"
#include "memberlist/output.hpp"

namespace memberlist::api {

/// What a call ends with whose stop was requested.
[[nodiscard]] inline Error cancelled_error() {
  return {ErrorCode::cancelled, "the call was cancelled", {}};
}

/// A call of the application whose outcome another thread brings.
class Call {
 public:
  using Outcome = std::expected<OperationOutcome, OperationError>;
  using Then = std::function<void(Outcome)>;
  /// What happens to the running operation of a cancelled call: it is aborted, or continues without
  /// it.
  enum class OnCancel : std::uint8_t { abort, detach };

  explicit Call(Then then, OnCancel on_cancel = OnCancel::abort)
      : then_(std::move(then)), on_cancel_(on_cancel) {}

  /// Passes the first outcome on; later ones are ignored.
  void complete(Outcome outcome) {
    if (done_.exchange(true)) return;
    std::exchange(then_, nullptr)(std::move(outcome));
  }
  void complete(std::unexpected<Error> why) {
    complete(std::unexpected(OperationError{std::move(why.error())}));
  }
  /// Calls `on_stop` once when a stop is requested, at once if it was. To be set once; `on_stop`
  /// must not own this call.
  void watch(std::stop_token stop, std::function<void()> on_stop) {
    if (stop.stop_possible()) watch_.emplace(std::move(stop), std::move(on_stop));
  }
  [[nodiscard]] OnCancel on_cancel() const noexcept { return on_cancel_; }

 private:
  std::atomic<bool> done_ = false;
  Then then_;
  const OnCancel on_cancel_;
  std::optional<std::stop_callback<std::function<void()>>> watch_;
};

}  // namespace memberlist::api
