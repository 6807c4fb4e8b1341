#pragma once

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
    for (const std::byte byte : bytes) {
      value_ = value_ * kBase + std::to_integer<unsigned>(byte) + 1;
    }
    bytes_ += bytes.size();
  }
  void append(const ContentDigest& part) noexcept {
    value_ = value_ * power(part.bytes_) + part.value_;
    bytes_ += part.bytes_;
  }

  friend bool operator==(const ContentDigest&, const ContentDigest&) = default;

 private:
  // A polynomial in this base, so that a part is moved to its place by a multiplication.
  static constexpr std::uint64_t kBase = 6'364'136'223'846'793'005U;

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
