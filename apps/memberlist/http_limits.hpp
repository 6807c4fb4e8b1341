#pragma once

#include <chrono>
#include <cstddef>

/// What the admin server grants its clients; docs/limits.md has the same list.
namespace memberlist::cli::http_limits {

/// Open connections. At the limit the one that has kept the agent waiting longest makes room.
inline constexpr std::size_t kMaxConnections = 128;
/// Calls that run or wait for a thread. Further ones are answered with 503.
inline constexpr std::size_t kMaxCalls = 64;
/// Calls that run at the same time. A join may take minutes, so that one thread is not enough.
inline constexpr std::size_t kMaxCallThreads = 8;
/// Request line and headers.
inline constexpr std::size_t kMaxHeadBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMaxTargetBytes = 2048;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{256} * 1024;
/// A user message of 20 MiB in base64, and its JSON around it. A broadcast may be as large, so that
/// it is the member that refuses it, with its own limit.
inline constexpr std::size_t kMaxMessageBodyBytes = std::size_t{28} * 1024 * 1024;
/// Bodies above `kMaxBodyBytes`, all connections together. Further ones are answered with 503.
inline constexpr std::size_t kMaxUploadBytes = std::size_t{256} * 1024 * 1024;

/// From the first wait for a request, or from its first byte, to the end of its head.
inline constexpr std::chrono::seconds kHeadTimeout{5};
/// Between two requests of a connection.
inline constexpr std::chrono::seconds kIdleTimeout{15};
/// For a body; and a second more for each `kBodyBytesPerSecond` of it.
inline constexpr std::chrono::seconds kBodyTimeout{10};
inline constexpr std::size_t kBodyBytesPerSecond = std::size_t{64} * 1024;
/// For a write that makes no progress.
inline constexpr std::chrono::seconds kWriteTimeout{10};
/// A blank line in a silent stream of events.
inline constexpr std::chrono::seconds kHeartbeat{5};
/// Bytes that the peer's kernel does not acknowledge for so long end the connection.
inline constexpr std::chrono::seconds kUnacknowledgedTimeout{20};
/// For the client to read the last answer, before the connection is closed.
inline constexpr std::chrono::seconds kLingerTimeout{2};
/// The same, when the agent ends.
inline constexpr std::chrono::milliseconds kStopTimeout{500};

}  // namespace memberlist::cli::http_limits
