#pragma once

#include <string>
#include <string_view>

#include "memberlist/export.hpp"

// A member's name is bytes that its owner has chosen. This is how to show it, and how to read what
// was shown.
namespace memberlist {

/// The name as text that can be shown anywhere: a log, a terminal, a file. The same name always
/// looks the same, and two names never do. It is UTF-8 without control characters, characters that
/// nobody sees or that change the direction of writing, and blanks at its ends: the bytes of these,
/// and what is not UTF-8, become `\xNN`; a backslash is doubled. Any other name is left as it is.
[[nodiscard]] MEMBERLIST_API std::string show_name(std::string_view name);

/// The name that was shown: `read_name(show_name(name)) == name`. A text that `show_name` never
/// makes, because not each of its backslashes begins `\\` or `\xNN`, is taken for the name itself,
/// so that `DOMAIN\host` is read as it stands.
[[nodiscard]] MEMBERLIST_API std::string read_name(std::string_view shown);

}  // namespace memberlist
