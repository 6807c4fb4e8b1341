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

/// One character of UTF-8.
struct Character {
  char32_t code = 0;
  std::size_t size = 0;  ///< in bytes; 0 if the text is not valid UTF-8 here
};

/// The character at the front of a text that is not empty.
[[nodiscard]] Character first_character(std::string_view text) noexcept;

/// Whether it moves the cursor, ends a line, or changes the direction of writing.
[[nodiscard]] bool steers_output(char32_t code) noexcept;

/// The text with the bytes of characters that steer the output, and those that are not UTF-8, as
/// `\xNN`, so that what a peer sends cannot steer a terminal, break a line or show in another
/// order. Backslashes stay, so a text that is escaped already is not changed.
[[nodiscard]] std::string escape_controls(std::string_view text);

/// Whether it is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Base64 (RFC 4648, section 4) with padding.
[[nodiscard]] std::string base64_encode(BytesView bytes);

/// Strict: padding required, no white space, unused bits zero. Errors: `invalid_argument`, which
/// never shows the text, as it may be a key.
[[nodiscard]] Result<Bytes> base64_decode(std::string_view text);

}  // namespace memberlist
