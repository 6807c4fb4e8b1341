#pragma once

#include <chrono>
#include <cstddef>

namespace memberlist::cli {

/// The limits of the admin server; docs/limits.md has the same list. Tests may change those that
/// are not constants.
struct HttpLimits {
  /// Request line and headers.
  static constexpr std::size_t kMaxHeadBytes = std::size_t{16} * 1024;
  static constexpr std::size_t kMaxTargetBytes = 2048;
  static constexpr std::size_t kMaxBodyBytes = std::size_t{256} * 1024;
  /// A user message of 20 MiB in base64, plus its JSON. A broadcast may be as large, so that the
  /// member refuses it, with its own limit.
  static constexpr std::size_t kMaxMessageBodyBytes = std::size_t{28} * 1024 * 1024;
  /// A body gets one more second for each this many bytes of it.
  static constexpr std::size_t kBodyBytesPerSecond = std::size_t{64} * 1024;

  /// Open connections. At the limit, the one that has kept the agent waiting longest is closed.
  std::size_t connections = 128;
  /// Calls that run or wait for a thread. Further ones are answered with 503.
  std::size_t calls = 64;
  /// Calls that run concurrently. A join may take minutes, so one thread is not enough.
  std::size_t call_threads = 8;
  /// Total size of bodies above `large_bytes`, of requests and answers, over all connections.
  /// Further ones are answered with 503, but one is always allowed.
  std::size_t held_bytes = std::size_t{256} * 1024 * 1024;
  std::size_t large_bytes = kMaxBodyBytes;

  /// From the first wait for a request, or from its first byte, to the end of its head.
  std::chrono::milliseconds head_timeout{5'000};
  /// Between two requests of a connection.
  std::chrono::milliseconds idle_timeout{15'000};
  /// For a body; see `kBodyBytesPerSecond`.
  std::chrono::milliseconds body_timeout{10'000};
  /// For a write that makes no progress.
  std::chrono::milliseconds write_timeout{10'000};
  /// For a blank line in a silent stream of events.
  std::chrono::milliseconds heartbeat{5'000};
  /// A connection ends if the peer's kernel does not acknowledge bytes for this long.
  std::chrono::milliseconds unacknowledged_timeout{20'000};
  /// For the client to read the last answer, before the connection is closed.
  std::chrono::milliseconds linger_timeout{2'000};
  /// The same when the agent ends, for all of them.
  std::chrono::milliseconds stop_timeout{500};
};

}  // namespace memberlist::cli
