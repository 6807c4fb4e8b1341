#pragma once

#include <cstdint>

// Which of two incarnations is newer. They are compared as serial numbers (RFC 1982): with the
// distance that real ones have, below 2^31, this is what every implementation does. One absurd
// number, by a fault or on purpose, then cannot wedge a member: a jump beyond half of the range is
// older, and behind the last number comes the first one again (docs/threat-model.md).
namespace memberlist::swim {

[[nodiscard]] constexpr bool is_newer(std::uint32_t incarnation, std::uint32_t known) noexcept {
  constexpr std::uint32_t kHalf = std::uint32_t{1} << 31;
  return incarnation != known && incarnation - known < kHalf;
}

[[nodiscard]] constexpr bool is_older(std::uint32_t incarnation, std::uint32_t known) noexcept {
  return incarnation != known && !is_newer(incarnation, known);
}

}  // namespace memberlist::swim
