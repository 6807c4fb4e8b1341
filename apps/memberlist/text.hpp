#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

// Text as people, spreadsheets and URLs want it. UTF-8, base64 and escapes are the library's.
namespace memberlist::cli {

/// Columns that the text takes in a terminal, by code points: wide and combining ones count as one.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// The text and as many spaces as make it `width` columns wide.
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t width);

/// Whether the text has the shape of a key's fingerprint: 16 hexadecimal digits, in lower case.
[[nodiscard]] bool is_fingerprint(std::string_view text) noexcept;

/// RFC 3339, UTC, milliseconds: `2026-01-31T12:00:00.123Z`.
[[nodiscard]] std::string rfc3339(std::chrono::system_clock::time_point when);

/// JSON text with the same characters as `escape_controls` as `\uNNNN`: the same JSON, that can be
/// shown in a terminal. It must be UTF-8.
[[nodiscard]] std::string escape_json(std::string_view json);

/// Whether a spreadsheet would take the text for a formula.
[[nodiscard]] bool begins_formula(std::string_view text) noexcept;

/// A field of a CSV line, quoted if it has to be (RFC 4180). Control characters are escaped, and
/// what a spreadsheet would take for a formula gets an apostrophe in front.
[[nodiscard]] std::string csv_field(std::string_view text);

/// Without spaces, tabs and line ends at both ends.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// The parts between separators; empty ones are kept.
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// For paths of URLs: everything but unreserved characters as `%NN` (RFC 3986).
[[nodiscard]] std::string percent_encode(std::string_view text);

/// `0.123 ms`, from nanoseconds.
[[nodiscard]] std::string milliseconds_text(double nanoseconds);

}  // namespace memberlist::cli
