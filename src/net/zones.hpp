#pragma once

#include <string>
#include <string_view>

#include "memberlist/error.hpp"

namespace memberlist::net {

/// The same address with the zone as a number, where it is the name of an interface: `fe80::1%2`
/// for `fe80::1%eth0`, brackets and port unchanged. All other texts are returned unchanged.
/// Error: `invalid_argument`, with the text as its subject and the interfaces that this machine
/// has.
[[nodiscard]] Result<std::string> number_zone(std::string_view text);

}  // namespace memberlist::net
