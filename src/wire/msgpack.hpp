#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/limits.hpp"
#include "memberlist/bytes.hpp"
#include "wire/wire_error.hpp"

// The part of msgpack that the messages need (protocol 4). Encoding uses the old raw family only;
// decoding takes whatever a msgpack library may write for the same value.
namespace memberlist::wire::msgpack {

// --- encoding: the size first, then bytes behind a pointer that has the room

[[nodiscard]] constexpr std::size_t unsigned_size(std::uint32_t value) noexcept {
  return value < 0x80 ? 1 : value < 0x100 ? 2 : value < 0x10000 ? 3 : 5;
}
/// As Go sends counts: above 127 in the signed forms, from int16 up.
[[nodiscard]] std::size_t signed_size(std::int64_t value) noexcept;
[[nodiscard]] constexpr std::size_t raw_header_size(std::size_t size) noexcept {
  return size < 32 ? 1 : size < 0x10000 ? 3 : 5;
}

/// `Bytes` bytes of `value`, big-endian.
template <std::size_t Bytes>
std::byte* put_big_endian(std::byte* at, std::uint64_t value) noexcept {
  for (std::size_t i = 0; i < Bytes; ++i) {
    at[i] = static_cast<std::byte>(value >> (8 * (Bytes - 1 - i)));
  }
  return at + Bytes;
}

[[nodiscard]] inline std::byte* put_unsigned(std::byte* at, std::uint32_t value) noexcept {
  if (value < 0x80) {
    *at = static_cast<std::byte>(value);
    return at + 1;
  }
  if (value < 0x100) {
    *at = std::byte{0xcc};
    return put_big_endian<1>(at + 1, value);
  }
  if (value < 0x10000) {
    *at = std::byte{0xcd};
    return put_big_endian<2>(at + 1, value);
  }
  *at = std::byte{0xce};
  return put_big_endian<4>(at + 1, value);
}

[[nodiscard]] std::byte* put_signed(std::byte* at, std::int64_t value) noexcept;

/// The header of a byte array of this size.
[[nodiscard]] inline std::byte* put_raw_header(std::byte* at, std::size_t size) noexcept {
  if (size < 32) {
    *at = static_cast<std::byte>(0xa0U | size);
    return at + 1;
  }
  if (size < 0x10000) {
    *at = std::byte{0xda};
    return put_big_endian<2>(at + 1, size);
  }
  *at = std::byte{0xdb};
  return put_big_endian<4>(at + 1, size);
}

[[nodiscard]] inline std::byte* put_raw(std::byte* at, BytesView bytes) noexcept {
  at = put_raw_header(at, bytes.size());
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// --- decoding

/// Finds the end of one value of any type, in bytes that may arrive in pieces: each byte is
/// examined once, and nothing is stored but a count for each level of nesting.
class Scanner {
 public:
  /// A value of more than `max_bytes` is a `limit` error, as soon as that is announced.
  explicit Scanner(std::size_t max_bytes = ~std::size_t{0},
                   std::size_t max_nesting = limits::kMsgpackNesting) noexcept
      : max_bytes_(max_bytes), max_nesting_(max_nesting) {}

  /// `value` starts at the first byte of the value, and is at least as long as in the last call.
  /// True: the value is complete, and takes `size()` bytes. False: more bytes are needed.
  [[nodiscard]] WireResult<bool> scan(BytesView value) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return position_; }

 private:
  static constexpr std::size_t kLevels = limits::kMsgpackNesting + 2;

  std::size_t max_bytes_;
  std::size_t max_nesting_;
  std::size_t position_ = 0;  // of the next value's first byte; may be after the received bytes
  std::size_t level_ = 0;
  std::array<std::uint64_t, kLevels> left_{1};  // values still to come at each level
};

/// Reads values from the front of bytes. A read that fails sets the error, and is the last: nothing
/// may be read after it. What each member of a push/pull needs is inlined in any case: whether the
/// compiler does so by itself depends on what else is in the file.
class Decoder {
 public:
  explicit Decoder(BytesView bytes) noexcept
      : begin_(bytes.data()), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] std::size_t position() const noexcept {
    return static_cast<std::size_t>(at_ - begin_);
  }
  [[nodiscard]] const WireError& error() const noexcept { return error_; }

  /// The number of fields that a map announces.
  [[nodiscard]] bool map_header(std::uint32_t& fields) noexcept {
    if (at_ == end_ || (std::to_integer<unsigned>(*at_) & 0xf0U) != 0x80) {
      return long_map_header(fields);
    }
    fields = std::to_integer<std::uint32_t>(*at_++) & 0x0fU;
    return true;
  }

  /// Skips the encoded key if it comes next.
  template <std::size_t N>
  [[nodiscard, gnu::always_inline]] bool skip_key(
      const std::array<std::byte, N>& encoded) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < N || !starts_with(at_, encoded)) return false;
    at_ += N;
    return true;
  }
  /// A field's name. One that is no string is skipped, and read as an empty name.
  [[nodiscard]] bool key(std::string_view& name) noexcept;

  [[nodiscard]] bool value(std::uint32_t& out) noexcept { return unsigned_value(out, 0xffffffffU); }
  [[nodiscard]] bool value(std::uint16_t& out) noexcept { return narrow(out, 0xffffU); }
  [[nodiscard]] bool value(std::uint8_t& out) noexcept { return narrow(out, 0xffU); }
  [[nodiscard]] bool value(std::int64_t& out) noexcept {
    if (at_ == end_ || std::to_integer<unsigned>(*at_) >= 0x80) return wide_signed(out);
    out = std::to_integer<std::int64_t>(*at_++);
    return true;
  }
  [[nodiscard]] bool value(bool& out) noexcept;
  /// nil is a view without data.
  [[nodiscard, gnu::always_inline]] bool value(BytesView& out) noexcept {
    if (at_ != end_) {
      const std::size_t size = std::to_integer<std::size_t>(*at_) ^ 0xa0U;
      if (size < 32 && static_cast<std::size_t>(end_ - at_) > size) {
        out = {at_ + 1, size};
        at_ += 1 + size;
        return true;
      }
    }
    return long_raw(out);
  }
  [[nodiscard]] bool value(std::string_view& out) noexcept {
    BytesView bytes;
    if (!value(bytes)) return false;
    out = as_text(bytes);
    return true;
  }
  /// Skips a value of any type.
  [[nodiscard]] bool skip() noexcept;

 private:
  struct Number {
    std::uint64_t bits = 0;  // two's complement if negative
    bool negative = false;
  };

  // Keys are short: two words, which may overlap, hold all of one. A call of memcmp for each took a
  // third of the time of decoding.
  template <std::size_t N>
  [[nodiscard]] static bool starts_with(const std::byte* at,
                                        const std::array<std::byte, N>& bytes) noexcept {
    if constexpr (N >= 4 && N <= 16) {
      using Word = std::conditional_t<(N >= 8), std::uint64_t, std::uint32_t>;
      const auto word = [](const std::byte* from) {
        Word read = 0;
        std::memcpy(&read, from, sizeof read);
        return read;
      };
      constexpr std::size_t kLast = N - sizeof(Word);
      return ((word(at) ^ word(bytes.data())) | (word(at + kLast) ^ word(bytes.data() + kLast))) ==
             0;
    } else {
      return std::memcmp(at, bytes.data(), N) == 0;
    }
  }

  // Most fields are a fixint, and ports a uint16.
  [[nodiscard, gnu::always_inline]] bool unsigned_value(std::uint32_t& out,
                                                        std::uint32_t max) noexcept {
    if (at_ != end_ && std::to_integer<unsigned>(*at_) < 0x80) {
      out = std::to_integer<std::uint32_t>(*at_++);
      return true;
    }
    if (max >= 0xffff && end_ - at_ >= 3 && *at_ == std::byte{0xcd}) {
      out = std::to_integer<std::uint32_t>(at_[1]) << 8 | std::to_integer<std::uint32_t>(at_[2]);
      at_ += 3;
      return true;
    }
    return wide_unsigned(out, max);
  }
  template <class T>
  [[nodiscard]] bool narrow(T& out, std::uint32_t max) noexcept {
    std::uint32_t wide = 0;
    if (!unsigned_value(wide, max)) return false;
    out = static_cast<T>(wide);
    return true;
  }
  [[nodiscard]] bool wide_unsigned(std::uint32_t& out, std::uint32_t max) noexcept;
  [[nodiscard]] bool wide_signed(std::int64_t& out) noexcept;
  [[nodiscard]] bool long_map_header(std::uint32_t& fields) noexcept;
  [[nodiscard]] bool number(Number& out) noexcept;
  [[nodiscard]] bool long_raw(BytesView& out) noexcept;
  [[nodiscard]] bool take(std::size_t header, std::uint64_t size, BytesView& out) noexcept;
  // `bytes` big-endian bytes after the tag.
  [[nodiscard]] bool big_endian(std::size_t bytes, std::uint64_t& out) noexcept;
  bool fail(const char* what, WireErrorKind kind = WireErrorKind::malformed) noexcept;
  bool truncated() noexcept;

  const std::byte* begin_;
  const std::byte* at_;
  const std::byte* end_;
  WireError error_;
};

}  // namespace memberlist::wire::msgpack
