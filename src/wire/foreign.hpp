#pragma once

#include <string_view>

#include "memberlist/bytes.hpp"

namespace memberlist::wire {

/// Identifies bytes that are not memberlist but the start of a protocol that reaches a gossip port
/// by mistake: `HTTP`, `TLS`, `SSH`, or `the PROXY protocol` (which load balancers put in front).
/// Empty: none of these. No packet or stream of memberlist begins like any of them.
[[nodiscard]] std::string_view foreign_protocol(BytesView begin) noexcept;

}  // namespace memberlist::wire
