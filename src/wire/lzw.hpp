#pragma once

#include <cstddef>

#include "memberlist/bytes.hpp"
#include "wire/wire_error.hpp"

namespace memberlist::wire {

/// LZW as of GIF: LSB first, 8-bit literals, codes of 9 to 12 bits (protocol 2, Compression).
/// Keeps its tables between calls, so that compressing allocates nothing in the steady state.
class LzwEncoder {
 public:
  LzwEncoder();
  /// Appends the compressed form to `out`. Stops and returns false as soon as more than
  /// `max_bytes` would be appended (`out` then holds rubbish behind its old end).
  [[nodiscard]] bool encode(BytesView plain, Bytes& out, std::size_t max_bytes = ~std::size_t{0});

 private:
  struct Table;
  Bytes table_;  // or what suits
};

/// Appends the decompressed form to `out`; an error if it is over `max_bytes`, or cut off, or has
/// an impossible code.
[[nodiscard]] WireResult<void> lzw_decode(BytesView packed, Bytes& out, std::size_t max_bytes);

}  // namespace memberlist::wire
