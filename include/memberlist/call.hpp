#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "memberlist/error.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// Options of a blocking call. Every call ends with `timed_out` or `cancelled` at the latest when
/// its time is over or a stop is requested; its comment says what still takes effect then.
struct CallOptions {
  /// From the call on; unset: the default of the call.
  std::optional<Duration> timeout = std::nullopt;
  /// Cancels the call, from any thread.
  std::stop_token stop = {};
};

/// How a failed join is retried. Every failure is retried, including `name_taken` (a crashed
/// predecessor will be found dead) and `vetoed` (the policy is asked again), except those that no
/// retry can fix: `invalid_argument`, `name_required`, `shut_down`, `cancelled`. The join ends with
/// success as soon as one other member has answered.
struct JoinRetry {
  /// Pause before the second attempt; each further pause is twice as long. Above 0.
  Duration first_pause = std::chrono::seconds(1);
  /// Maximum pause; at least `first_pause`, at most 24 hours.
  Duration longest_pause = std::chrono::seconds(30);
  /// Maximum number of attempts; 0: limited only by the timeout and the stop token of the
  /// JoinOptions. After the last one the join fails with its error.
  std::uint32_t attempts = 0;
  /// Each pause is reduced by a random fraction of up to this value, so that nodes that fail
  /// together do not retry together. 0 to 1.
  double jitter = 0.2;
};

/// Options of a join.
struct JoinOptions {
  /// Timeout for the whole join, including name resolution, retries and pauses; unset: each lookup
  /// and each exchange has its `tcp_timeout`, and there is no other limit. If the next attempt
  /// would begin too late, the join ends early, with `timed_out` and the error of the last attempt
  /// in its message.
  std::optional<Duration> timeout = std::nullopt;
  /// Cancels the join, from any thread, also during a pause: running exchanges are aborted.
  std::stop_token stop = {};
  /// The join ends once this many other members were merged; 0: every address is tried.
  std::uint32_t enough = 0;
  /// Concurrent exchanges, 1 to 16.
  std::uint32_t parallel = 16;
  /// Whether and how the join is retried; unset: no retry. Each attempt resolves names again. Each
  /// failed attempt is reported by a JoinFinished and a JoinRetrying event and a log line.
  std::optional<JoinRetry> retry = std::nullopt;
};

/// Result for one address of a join. Nobody contacted and no failures: it was not tried, or not
/// completed, because enough others had answered.
struct JoinAddressResult {
  std::string address{};          ///< as given to the join
  std::uint32_t contacted = 0;    ///< peers there whose state was merged
  std::vector<Error> failures{};  ///< one per failed peer there, or why there is no peer
};

/// Result of a join: of its last attempt, if there were several.
struct JoinResult {
  std::uint32_t contacted = 0;                 ///< peers whose state was merged
  std::vector<Error> failures{};               ///< one per failed peer or name
  std::vector<JoinAddressResult> addresses{};  ///< in the order given
  std::uint32_t tries = 1;                     ///< attempts, including the successful one
};

/// Why a join failed, as a whole and for each address.
struct JoinError : Error {
  /// What each address of the last attempt did, in the order given; empty if the join was refused
  /// before any was tried.
  std::vector<JoinAddressResult> addresses{};
  std::uint32_t tries = 0;  ///< attempts
};

/// How a join ended. Converts to `Result<JoinResult>`, without the results of the addresses.
using JoinOutcome = std::expected<JoinResult, JoinError>;

}  // namespace memberlist
