#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "memberlist/bytes.hpp"

namespace memberlist {

/// Appends bytes to a fixed span or to a growing vector. On a fixed span, bytes that do not fit are
/// dropped, and `overflowed()` reports it; check it once at the end.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::byte> fixed) noexcept
      : data_(fixed.data()), capacity_(fixed.size()) {}
  /// Appends after the content of `growing`, which has exactly the written bytes after each call.
  explicit ByteWriter(Bytes& growing) noexcept : growing_(&growing) {}

  void u8(std::uint8_t value) { *reserve(1) = std::byte{value}; }
  void u16(std::uint16_t value) { big_endian<2>(value); }
  void u32(std::uint32_t value) { big_endian<4>(value); }
  void bytes(BytesView view) {
    if (view.empty()) return;
    if (std::byte* at = reserve(view.size()); at != sink_) {
      std::memcpy(at, view.data(), view.size());
    }
  }

  /// The next `count` bytes, for the caller to fill at once; null, and nothing written, if they do
  /// not fit. Valid until the next call.
  [[nodiscard]] std::byte* claim(std::size_t count) {
    std::byte* at = reserve(count);
    return at == sink_ ? nullptr : at;
  }

  /// Bytes written, without those that overflowed; for a vector, its size.
  [[nodiscard]] std::size_t size() const noexcept { return growing_ ? growing_->size() : size_; }
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }

 private:
  template <std::size_t N>
  void big_endian(std::uint64_t value) {
    std::byte raw[N];
    for (std::size_t i = 0; i < N; ++i) raw[i] = static_cast<std::byte>(value >> (8 * (N - 1 - i)));
    bytes({raw, N});
  }

  // Room for `count` bytes, or `sink_` if there is none.
  std::byte* reserve(std::size_t count) {
    if (growing_ != nullptr) {
      growing_->resize(growing_->size() + count);
      return growing_->data() + growing_->size() - count;
    }
    if (overflowed_ || capacity_ - size_ < count) {
      overflowed_ = true;
      return sink_;
    }
    size_ += count;
    return data_ + size_ - count;
  }

  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  Bytes* growing_ = nullptr;
  bool overflowed_ = false;
  std::byte sink_[1];
};

}  // namespace memberlist
