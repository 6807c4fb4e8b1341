#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "memberlist/bytes.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// Decodes an encryption key. `origin` says where it came from (`--key`, a file and line). An error
/// says what seems to be wrong with the text; the key itself is never part of it.
[[nodiscard]] std::expected<Bytes, CommandError> parse_key(std::string_view text,
                                                           std::string_view origin);

/// A warning about a text that is a valid key; empty if there is none.
[[nodiscard]] std::string key_warning(std::string_view text, std::string_view origin);

/// Whether the text could be a key, in any of the forms that `parse_key` knows. Such text must not
/// be repeated in a message.
[[nodiscard]] bool could_be_key(std::string_view text);

}  // namespace memberlist::cli
