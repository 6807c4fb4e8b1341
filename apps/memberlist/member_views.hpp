#pragma once

#include <string>

#include "json_views.hpp"

namespace memberlist::cli {

/// A table for people, from the array of `members --format json`.
[[nodiscard]] std::string members_table(const Json& members, bool colour);

/// The same as CSV with a header line (RFC 4180, but for its line ends, which are `\n`).
[[nodiscard]] std::string members_csv(const Json& members);

/// What `info` shows people, from the object of `info --format json`.
[[nodiscard]] std::string info_text(const Json& info);

}  // namespace memberlist::cli
