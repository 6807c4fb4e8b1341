#pragma once

#include <string>
#include <string_view>

#include "json_views.hpp"

namespace memberlist::cli {

/// Sets `field` to a member's name. A name that is not UTF-8, or that `read_name` would take for
/// another one, is escaped with `show_name`, and `field`_base64 has its bytes. So the content of
/// `field` always identifies exactly this name.
void put_name(Json& json, const std::string& field, std::string_view name);

/// The name that `put_name` has set; empty if there is none.
[[nodiscard]] std::string name_in(const Json& json, const std::string& field);

/// A name as a field of a CSV line: as `show_name` spells it, and with the first character as
/// `\xNN` where a spreadsheet would take it for the beginning of a formula. Quoted if it has to be.
[[nodiscard]] std::string csv_name(std::string_view name);

/// A join address, `[NAME/]HOST[:PORT]`, with the name itself in place of its escaped form.
[[nodiscard]] std::string read_join_address(std::string_view written);

/// Undoes `read_join_address`.
[[nodiscard]] std::string show_join_address(std::string_view address);

}  // namespace memberlist::cli
