#pragma once

#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

namespace memberlist::testing {

/// A loopback address that no other test process uses, as its four bytes. At a shared one, the
/// members of one test would still gossip to a port that they have seen, while the kernel has given
/// it to another test: two clusters become one.
///
/// The second one is for a port that is given up and bound again, if nothing connects from there:
/// no connection of the test itself can be given it meanwhile.
///
/// Only Linux has all of 127.0.0.0/8; elsewhere both are 127.0.0.1.
[[nodiscard]] inline std::array<std::uint8_t, 4> own_loopback(bool second = false) {
#ifdef __linux__
  const auto pid = static_cast<std::uint32_t>(::getpid());  // at most 2^22
  return {127, static_cast<std::uint8_t>((second ? 128 : 64) | (pid >> 16 & 63)),
          static_cast<std::uint8_t>(pid >> 8), static_cast<std::uint8_t>(pid)};
#else
  (void)second;
  return {127, 0, 0, 1};
#endif
}

/// The same as text.
[[nodiscard]] inline std::string own_loopback_text(bool second = false) {
  const auto [a, b, c, d] = own_loopback(second);
  return std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c) + "." +
         std::to_string(d);
}

}  // namespace memberlist::testing
