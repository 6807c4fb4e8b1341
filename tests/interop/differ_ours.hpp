#pragma once

#include <string>
#include <string_view>

#include "memberlist/bytes.hpp"

namespace memberlist::interop {

/// What our decoder makes of a message, in the words of the Go program `differ`: `accepted VALUES`
/// or `refused REASON`. `kind` is one of that program's kinds; throws std::out_of_range on another.
std::string our_verdict(std::string_view kind, BytesView bytes);

}  // namespace memberlist::interop
