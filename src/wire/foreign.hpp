#pragma once

#include <string_view>

#include "memberlist/bytes.hpp"

namespace memberlist::wire {

/// Whose bytes these are, where they are no memberlist but begin as a protocol that ends up at a
/// gossip port by mistake: `HTTP`, `TLS`, `SSH`, or `the PROXY protocol` (which load balancers put
/// in front). Empty: none of these. No packet or stream of memberlist begins like any of them.
[[nodiscard]] std::string_view foreign_protocol(BytesView begin) noexcept;

}  // namespace memberlist::wire
