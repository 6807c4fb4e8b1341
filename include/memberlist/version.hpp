#pragma once

#include <string_view>

#include "memberlist/export.hpp"

/// Cluster membership: SWIM with Lifeguard, on the wire of HashiCorp memberlist. `Memberlist` is a
/// member with sockets and threads of its own, `Engine` the protocol alone.
namespace memberlist {

/// The library's version, e.g. `0.1.0`.
[[nodiscard]] MEMBERLIST_API std::string_view version() noexcept;

/// Oldest version of memberlist's protocol that this library speaks (protocol 4, `Vsn`).
inline constexpr unsigned kProtocolVersionMin = 1;
/// Newest version of memberlist's protocol that this library speaks.
inline constexpr unsigned kProtocolVersionMax = 5;

}  // namespace memberlist
