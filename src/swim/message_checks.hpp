#pragma once

#include <cstddef>
#include <vector>

#include "memberlist/address.hpp"
#include "memberlist/config.hpp"
#include "memberlist/error.hpp"
#include "memberlist/member.hpp"

// The requirements for what the application gives. The engine checks them; a thread that passes
// messages to the engine's thread checks them first, with the same outcome.
namespace memberlist::swim {

/// A best-effort message; `most` is the engine's `max_packet_payload`. Error: `too_large`.
[[nodiscard]] Result<void> check_packet_message(std::size_t bytes, std::size_t most);
/// The same for a broadcast.
[[nodiscard]] Result<void> check_broadcast(std::size_t bytes, std::size_t most);
/// A reliable message. Error: `too_large`.
[[nodiscard]] Result<void> check_stream_message(std::size_t bytes);
/// An address that others are to reach this node at. Error: `no_address`.
[[nodiscard]] Result<void> check_advertised(const Address& address);
/// Whom a new engine is to know (EngineEnvironment::members); may be null. Error: `too_large`.
[[nodiscard]] Result<void> check_known(const Config& config, const std::vector<Member>* members);
/// The error of commands that need the cluster after a leave.
[[nodiscard]] Error left_error();

}  // namespace memberlist::swim
