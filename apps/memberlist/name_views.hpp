#pragma once

#include <string>
#include <string_view>

#include "json_views.hpp"

namespace memberlist::cli {

/// Sets `field` to a member's name. A name that is not UTF-8, or that `read_name` would take for
/// another one, is spelled as `show_name` does, and `field`_base64 has its bytes. So whatever
/// stands in `field` is read back as this name and no other.
void put_name(Json& json, const std::string& field, std::string_view name);

/// The name that `put_name` has set; empty if there is none.
[[nodiscard]] std::string name_in(const Json& json, const std::string& field);

/// A name as a field of a CSV line: as `show_name` spells it, and with the first character as
/// `\xNN` where a spreadsheet would take it for the beginning of a formula. Quoted if it has to be.
[[nodiscard]] std::string csv_name(std::string_view name);

/// The address to join through that somebody has written, `[NAME/]HOST[:PORT]`, with the name that
/// is meant in place of its spelling.
[[nodiscard]] std::string read_join_address(std::string_view written);

/// Undoes `read_join_address`.
[[nodiscard]] std::string show_join_address(std::string_view address);

}  // namespace memberlist::cli
