#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/bytes.hpp"
#include "output.hpp"

namespace memberlist::cli {

/// Reads a whole file, `-` for standard input; a larger one than `limit_bytes` is an error.
[[nodiscard]] std::expected<std::string, CommandError> read_file(const std::string& path,
                                                                 std::size_t limit_bytes);

/// Decodes an encryption key. `origin` says where it came from (`--key`, a file and line); the key
/// itself is never part of an error.
[[nodiscard]] std::expected<Bytes, CommandError> parse_key(std::string_view text,
                                                           std::string_view origin);

/// Reads keys, one a line in base64; empty lines and those that begin with `#` are skipped.
[[nodiscard]] std::expected<std::vector<Bytes>, CommandError> read_key_file(
    const std::string& path);

/// Reads the token of the admin API: the first line that is neither empty nor a `#` comment.
[[nodiscard]] std::expected<std::string, CommandError> read_token_file(const std::string& path);

}  // namespace memberlist::cli
