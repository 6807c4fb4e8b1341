#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "memberlist/bytes.hpp"
#include "wire/wire_error.hpp"

namespace memberlist::wire {

/// LZW as in GIF: LSB first, 8-bit literals, codes of 9 to 12 bits (protocol 2, Compression).
/// Its table, 32 KiB, is on the stack, as the decoder's is.
class LzwEncoder {
 public:
  /// Appends the compressed form to `out`, which must not overlap `plain`. Stops and returns false
  /// as soon as more than `max_bytes` would be appended (`out` then contains garbage after its old
  /// end).
  [[nodiscard]] bool encode(BytesView plain, Bytes& out, std::size_t max_bytes = ~std::size_t{0});

  /// Appends a part of a compressed form, which depends only on its own plain bytes, and ends at a
  /// byte boundary. Consecutive parts, with kEndOfParts after the last, are the compressed form of
  /// their concatenated plain bytes: unchanged parts need not be compressed again.
  void encode_part(BytesView plain, Bytes& out);
  /// The end code, at the start of a byte.
  static constexpr std::array<std::byte, 2> kEndOfParts{std::byte{1}, std::byte{1}};
};

/// Appends the decompressed form to `out`, which must not hold `packed`; an error if it exceeds
/// `max_bytes`, is truncated, or has an invalid code. Memory grows with the decompressed bytes.
/// Bytes after the end code are ignored.
[[nodiscard]] WireResult<void> lzw_decode(BytesView packed, Bytes& out, std::size_t max_bytes);

/// The same in steps, so that the first bytes can be checked before the rest takes memory.
class LzwUnpacker {
 public:
  /// `packed` and `out` must outlive this; nothing else may be appended to `out` meanwhile.
  LzwUnpacker(BytesView packed, Bytes& out, std::size_t max_bytes);
  LzwUnpacker(const LzwUnpacker&) = delete;
  LzwUnpacker& operator=(const LzwUnpacker&) = delete;
  ~LzwUnpacker();

  /// Appends about this many more bytes. Returns true at the end. Must not be called after that, or
  /// after an error.
  [[nodiscard]] WireResult<bool> more(std::size_t bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The same into a buffer that does not grow; returns the number of bytes written. The rest of
/// `out` may have changed.
[[nodiscard]] WireResult<std::size_t> lzw_decode_into(BytesView packed, std::span<std::byte> out);

}  // namespace memberlist::wire
