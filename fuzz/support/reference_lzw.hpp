#pragma once

#include <cstddef>

#include "memberlist/bytes.hpp"

namespace memberlist::fuzz {

enum class LzwOutcome { done, malformed, over_limit };

/// A second LZW decoder, written for clarity from the public description of the format (that of
/// GIF: least significant bit first, 8-bit literals), to hold ours against. Appends to `out` what
/// it decodes, at most `max_bytes`.
[[nodiscard]] LzwOutcome reference_lzw(BytesView packed, Bytes& out, std::size_t max_bytes);

}  // namespace memberlist::fuzz
