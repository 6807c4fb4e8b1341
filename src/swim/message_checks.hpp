#pragma once

#include <cstddef>

#include "memberlist/error.hpp"

// What a message of the application must fulfil. The engine checks it, and whoever hands messages
// over to an engine of another thread checks it before, with the same outcome.
namespace memberlist::swim {

/// A best-effort message; `most` is the engine's `max_packet_payload`. Error: `too_large`.
[[nodiscard]] Result<void> check_packet_message(std::size_t bytes, std::size_t most);
/// The same for a broadcast.
[[nodiscard]] Result<void> check_broadcast(std::size_t bytes, std::size_t most);
/// A reliable message. Error: `too_large`.
[[nodiscard]] Result<void> check_stream_message(std::size_t bytes);
/// What commands that need the cluster fail with after a leave.
[[nodiscard]] Error left_error();

}  // namespace memberlist::swim
