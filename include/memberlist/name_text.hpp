#pragma once

#include <string>
#include <string_view>

#include "memberlist/export.hpp"

// A member's name may be any bytes. These functions convert it to displayable text and back.
namespace memberlist {

/// Escapes a name so that it can be shown anywhere: a log, a terminal, a file. Different names
/// never look alike. The result is UTF-8 without control characters, invisible characters,
/// characters that change the direction of writing, or blanks at its ends: these, and bytes that
/// are not UTF-8, become `\xNN` per byte; a backslash is doubled. Other names are unchanged.
[[nodiscard]] MEMBERLIST_API std::string show_name(std::string_view name);

/// The inverse of `show_name`: `read_name(show_name(name)) == name`. Text that `show_name` never
/// produces, because not each of its backslashes begins `\\` or `\xNN`, is returned unchanged, so
/// `DOMAIN\host` means itself.
[[nodiscard]] MEMBERLIST_API std::string read_name(std::string_view shown);

}  // namespace memberlist
