#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "memberlist/bytes.hpp"
#include "output.hpp"
#include "secret_text.hpp"

namespace memberlist::cli {

/// Reads a whole file, `-` for standard input; a larger one than `limit_bytes` is an error.
[[nodiscard]] std::expected<std::string, CommandError> read_file(const std::string& path,
                                                                 std::size_t limit_bytes);

/// Reads a file with a secret, at most 64 KiB, `-` for standard input. The file must be private.
[[nodiscard]] std::expected<SecretText, CommandError> read_secret_file(const std::string& path);

/// An error unless the file is private: only its owner has access to it; or root owns it, and at
/// most one of this process's groups can read it (0640 or less), as in a secret volume. `-` and
/// anything but a regular file always passes.
[[nodiscard]] std::expected<void, CommandError> check_private(const std::string& path);

/// Writes a new file that only its owner can read; one that is there already is an error.
[[nodiscard]] std::expected<void, CommandError> write_secret_file(const std::string& path,
                                                                  std::string_view text);

/// Reads keys from a secret file, one base64 key per line; empty lines and those that begin with
/// `#` are skipped. Warns about suspicious keys.
[[nodiscard]] std::expected<std::vector<Bytes>, CommandError> read_key_file(
    const std::string& path);

/// Reads the token of the admin API from a secret file: the first line that is neither empty nor a
/// `#` comment.
[[nodiscard]] std::expected<std::string, CommandError> read_token_file(const std::string& path);

}  // namespace memberlist::cli
