#pragma once

#include <unistd.h>

#include <cstdint>

#include "memberlist/address.hpp"

namespace memberlist::testing {

/// A loopback address that no other process uses, so that the kernel gives nobody else a port of
/// it.
[[nodiscard]] inline IpAddress own_loopback() {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  return IpAddress::v4(127, static_cast<std::uint8_t>(64 | (pid >> 16 & 63)),
                       static_cast<std::uint8_t>(pid >> 8), static_cast<std::uint8_t>(pid | 1));
}

}  // namespace memberlist::testing
