#pragma once

#include <cstdint>

#include "memberlist/address.hpp"

namespace memberlist::net {

/// Which addresses a socket reaches.
enum class Family : std::uint8_t {
  v4,    ///< IPv4 only
  v6,    ///< IPv6 only
  dual,  ///< an IPv6 socket that speaks IPv4 as well
};

/// The family of a socket bound to `ip`: `::` is dual, all else speaks its own only.
[[nodiscard]] Family family_of(const IpAddress& ip) noexcept;
/// Whether a socket of `family` can send to `ip`.
[[nodiscard]] bool reaches(Family family, const IpAddress& ip) noexcept;

}  // namespace memberlist::net
