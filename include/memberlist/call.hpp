#pragma once

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

/// What a join may take.
struct JoinOptions {
  /// For all of it, looking up names included; unset: each look-up and each exchange has its
  /// `tcp_timeout`, and there is no other limit.
  std::optional<Duration> timeout = std::nullopt;
  /// Ends it soon, from any thread: exchanges under way are aborted.
  std::stop_token stop = {};
  /// It ends once so many peers were merged; 0: every address is tried.
  std::uint32_t enough = 0;
  /// Exchanges at once, 1 to 16.
  std::uint32_t parallel = 16;
};

/// How one address of a join fared. Nobody contacted and no failures: it was not tried, or not to
/// its end, since enough others had answered.
struct JoinAddressResult {
  std::string address;          ///< as it was given
  std::uint32_t contacted = 0;  ///< peers found there whose state was merged
  std::vector<Error> failures;  ///< one for each peer there without success; or why there is none
};

/// What one join brought.
struct JoinResult {
  std::uint32_t contacted = 0;               ///< peers whose state was merged
  std::vector<Error> failures;               ///< one for each peer or name without success
  std::vector<JoinAddressResult> addresses;  ///< in the order given
};

}  // namespace memberlist
