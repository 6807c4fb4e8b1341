#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "memberlist/bytes.hpp"
#include "memberlist/error.hpp"

namespace memberlist {

/// The maximum length of a peer's text in a log line, before `...`.
inline constexpr std::size_t kLogTextBytes = 256;

/// Makes any text safe to print, escaped like a name in `show_name`. The result has at most
/// `max_bytes`, and three more for `...` if it was cut; escapes and characters are never split.
[[nodiscard]] std::string escape_for_log(std::string_view text,
                                         std::size_t max_bytes = kLogTextBytes);

/// Whether it is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Base64 (RFC 4648, section 4) with padding.
[[nodiscard]] std::string base64_encode(BytesView bytes);

/// Strict: padding required, no white space, unused bits zero. Errors: `invalid_argument`, which
/// never shows the text, as it may be a key.
[[nodiscard]] Result<Bytes> base64_decode(std::string_view text);

}  // namespace memberlist
