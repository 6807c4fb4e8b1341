#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memberlist/bytes.hpp"

namespace memberlist::swim {

/// A digest of bytes that are assembled from parts: the digest of the whole follows from those of
/// the parts. It distinguishes contents that differ by chance; it does not withstand an attacker
/// who constructs collisions.
class ContentDigest {
 public:
  ContentDigest() = default;
  explicit ContentDigest(BytesView bytes) noexcept { append(bytes); }

  void append(BytesView bytes) noexcept {
    bytes_ += bytes.size();
    // The products of one step do not wait for each other.
    for (; bytes.size() >= kStep; bytes = bytes.subspan(kStep)) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < kStep; ++i) sum += kPowers[kStep - 1 - i] * digit(bytes[i]);
      value_ = value_ * kPowers[kStep] + sum;
    }
    for (const std::byte byte : bytes) value_ = value_ * kBase + digit(byte);
  }
  void append(const ContentDigest& part) noexcept {
    value_ = value_ * power(part.bytes_) + part.value_;
    bytes_ += part.bytes_;
  }

  friend bool operator==(const ContentDigest&, const ContentDigest&) = default;

 private:
  // A polynomial in this base, so that a part is moved to its place by a multiplication.
  static constexpr std::uint64_t kBase = 6'364'136'223'846'793'005U;

  static constexpr std::size_t kStep = 16;
  static constexpr auto kPowers = [] {
    std::array<std::uint64_t, kStep + 1> powers{1};
    for (std::size_t i = 1; i <= kStep; ++i) powers[i] = powers[i - 1] * kBase;
    return powers;
  }();

  static std::uint64_t digit(std::byte byte) noexcept {
    return std::to_integer<std::uint64_t>(byte) + 1;
  }
  static std::uint64_t power(std::size_t exponent) noexcept {
    std::uint64_t result = 1;
    for (std::uint64_t factor = kBase; exponent > 0; exponent /= 2, factor *= factor) {
      if (exponent % 2 == 1) result *= factor;
    }
    return result;
  }

  std::uint64_t value_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace memberlist::swim
