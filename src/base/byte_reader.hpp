#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "memberlist/bytes.hpp"

namespace memberlist {

/// Reads bytes from the front of a view, big-endian, never past its end.
class ByteReader {
 public:
  explicit ByteReader(BytesView bytes) noexcept : bytes_(bytes) {}

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  [[nodiscard]] BytesView rest() const noexcept { return bytes_.subspan(position_); }

  [[nodiscard]] std::optional<std::uint8_t> u8() noexcept { return big_endian<std::uint8_t, 1>(); }
  [[nodiscard]] std::optional<std::uint16_t> u16() noexcept {
    return big_endian<std::uint16_t, 2>();
  }
  [[nodiscard]] std::optional<std::uint32_t> u32() noexcept {
    return big_endian<std::uint32_t, 4>();
  }
  /// A view of the next `count` bytes; nothing is consumed if there are fewer.
  [[nodiscard]] std::optional<BytesView> bytes(std::size_t count) noexcept {
    if (remaining() < count) return std::nullopt;
    position_ += count;
    return bytes_.subspan(position_ - count, count);
  }

 private:
  template <class T, std::size_t N>
  std::optional<T> big_endian() noexcept {
    if (remaining() < N) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < N; ++i) {
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[position_ + i]);
    }
    position_ += N;
    return static_cast<T>(value);
  }

  BytesView bytes_;
  std::size_t position_ = 0;
};

}  // namespace memberlist
