#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "memberlist/error.hpp"
#include "memberlist/time.hpp"

namespace memberlist {

/// What a call that waits may take. All calls end with `timed_out` or `cancelled` at the latest
/// when their time is over or the stop is requested; each says what stands all the same.
struct CallOptions {
  /// From now on; unset: the call's own default.
  std::optional<Duration> timeout = std::nullopt;
  /// Ends the call soon, from any thread.
  std::stop_token stop = {};
};

/// How a join that has failed is tried again. Every failure is, also `name_taken` (a predecessor
/// that has crashed is found dead) and `vetoed` (the policy is asked again), except where no try
/// can succeed: `invalid_argument`, `name_required`, `shut_down`, `cancelled`. One answer of
/// somebody else is a success, and ends it.
struct JoinRetry {
  /// Between the first try and the second; each further pause is twice as long. Above 0.
  Duration first_pause = std::chrono::seconds(1);
  /// No pause is longer; at least `first_pause`, at most 24 hours.
  Duration longest_pause = std::chrono::seconds(30);
  /// Tries in all; 0: no limit but the timeout and the stop of the JoinOptions. After the last one
  /// the join fails with its error.
  std::uint32_t attempts = 0;
  /// Each pause is shorter by a random part of it, up to this one, so that those that fail
  /// together do not come back together. 0 to 1.
  double jitter = 0.2;
};

/// What a join may take.
struct JoinOptions {
  /// For all of it, looking up names, tries and pauses included; unset: each look-up and each
  /// exchange has its `tcp_timeout`, and there is no other limit. If the next try would begin too
  /// late, the join ends before, with `timed_out` and the error of the last try in its text.
  std::optional<Duration> timeout = std::nullopt;
  /// Ends it soon, from any thread, also in a pause: exchanges under way are aborted.
  std::stop_token stop = {};
  /// It ends once so many others were merged; 0: every address is tried.
  std::uint32_t enough = 0;
  /// Exchanges at once, 1 to 16.
  std::uint32_t parallel = 16;
  /// Whether it is tried again; unset: once only. Names are resolved anew for each try. Each failed
  /// try is told by a JoinFinished and a JoinRetrying event and a line in the log.
  std::optional<JoinRetry> retry = std::nullopt;
};

/// How one address of a join fared. Nobody contacted and no failures: it was not tried, or not to
/// its end, since enough others had answered.
struct JoinAddressResult {
  std::string address;          ///< as it was given
  std::uint32_t contacted = 0;  ///< peers found there whose state was merged
  std::vector<Error> failures;  ///< one for each peer there without success; or why there is none
};

/// What one join brought: its last try, if there were several.
struct JoinResult {
  std::uint32_t contacted = 0;               ///< peers whose state was merged
  std::vector<Error> failures;               ///< one for each peer or name without success
  std::vector<JoinAddressResult> addresses;  ///< in the order given
  std::uint32_t tries = 1;                   ///< the one that succeeded included
};

}  // namespace memberlist
