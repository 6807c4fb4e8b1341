#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "memberlist/bytes.hpp"

namespace memberlist::fuzz {

/// The fuzzer's bytes, read from the front. At their end every read gives zeros, so that each
/// prefix of a program is a program.
class ByteSource {
 public:
  explicit ByteSource(BytesView bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] std::uint8_t byte() noexcept {
    if (bytes_.empty()) return 0;
    const auto value = std::to_integer<std::uint8_t>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return value;
  }
  [[nodiscard]] bool flag() noexcept { return (byte() & 1) != 0; }
  /// In [0, bound), from one byte.
  [[nodiscard]] std::size_t below(std::size_t bound) noexcept { return byte() % bound; }
  [[nodiscard]] std::uint16_t u16() noexcept {
    const std::uint16_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  [[nodiscard]] std::uint32_t u32() noexcept {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  /// A view of the next bytes: `count` of them, or all that are left.
  [[nodiscard]] BytesView take(std::size_t count) noexcept {
    const BytesView taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  BytesView bytes_;
};

}  // namespace memberlist::fuzz
