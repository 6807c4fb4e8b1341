#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "swim/clock.hpp"
#include "swim/output_queue.hpp"

namespace memberlist::swim {

/// The operations under way.
struct OperationsState {
  struct Open {
    TimerHandle timer;
    const char* what = "";
  };

  std::unordered_map<std::uint64_t, Open> open_;
  std::uint64_t last_id_ = 0;
};

/// What an Operations reads and changes.
struct OperationsUses {
  Clock& clock_;
  OutputQueue& out_;
};

/// Commands whose outcome comes later: hands out their ids, keeps their deadlines, and makes
/// sure that each completes exactly once.
class Operations : OperationsState, OperationsUses {
 public:
  explicit Operations(const OperationsUses& uses) : OperationsUses(uses) {}
  Operations(const Operations& other, const OperationsUses& uses)
      : OperationsState(other), OperationsUses(uses) {}

  /// A new operation; if `timeout` is given, it is stopped then with `timed_out` and `what`.
  [[nodiscard]] OperationId start(std::optional<Duration> timeout = std::nullopt,
                                  const char* what = "") {
    const OperationId id{++last_id_};
    TimerHandle timer;
    if (timeout) {
      timer =
          clock_.timers.schedule(clock_.after(*timeout), {TimerEvent::Kind::operation, last_id_});
    }
    open_.emplace(last_id_, Open{timer, what});
    return id;
  }

  /// Completes an operation that is still open; else does nothing.
  void complete(OperationId id, std::expected<OperationOutcome, OperationError> result) {
    const auto found = open_.find(std::to_underlying(id));
    if (found == open_.end()) return;
    clock_.timers.cancel(found->second.timer);
    open_.erase(found);
    out_.push(Completion{id, std::move(result)});
  }

  void complete(OperationId id, std::unexpected<Error> why) {
    complete(id, std::unexpected(OperationError{std::move(why.error())}));
  }

  /// What an operation ends with once its deadline has come.
  [[nodiscard]] Error timeout_error(OperationId id) const {
    const auto found = open_.find(std::to_underlying(id));
    return {ErrorCode::timed_out, found == open_.end() ? "" : found->second.what, {}};
  }

  [[nodiscard]] bool is_open(OperationId id) const {
    return open_.contains(std::to_underlying(id));
  }

 private:
};

}  // namespace memberlist::swim
