#pragma once

#include <cstdint>

// Which of two incarnations is newer, and how far one message may move them (protocol 6,
// Incarnations). They are compared as serial numbers (RFC 1982): for real distances this is what
// every implementation does, and the number after the last is the first one again. Of two different
// numbers exactly one is newer, so whatever two members have, one of them accepts the other's.
namespace memberlist::swim {

/// An accusation that is further ahead of what is known is not followed: no member gets there by
/// itself.
inline constexpr std::uint32_t kLongestJump = std::uint32_t{1} << 30;

/// How far a member goes beyond the number that all others have received, in one step. More than
/// the longest jump, so that it answers each accusation at once; far less than half of the range,
/// so that all others accept the answer as newer.
inline constexpr std::uint32_t kLongestStep = kLongestJump + (std::uint32_t{1} << 20);

/// At exactly half of the range, where serial numbers have no order, the greater one is newer.
[[nodiscard]] constexpr bool is_newer(std::uint32_t incarnation, std::uint32_t known) noexcept {
  constexpr std::uint32_t kHalf = std::uint32_t{1} << 31;
  const std::uint32_t ahead = incarnation - known;
  return ahead == kHalf ? incarnation > known : ahead != 0 && ahead < kHalf;
}

[[nodiscard]] constexpr bool is_older(std::uint32_t incarnation, std::uint32_t known) noexcept {
  return incarnation != known && !is_newer(incarnation, known);
}

/// Whether `incarnation` is `known`, or ahead of it by no more than the longest jump.
[[nodiscard]] constexpr bool within_a_jump(std::uint32_t incarnation,
                                           std::uint32_t known) noexcept {
  return incarnation - known <= kLongestJump;
}

}  // namespace memberlist::swim
