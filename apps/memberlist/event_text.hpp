#pragma once

#include <string>

#include "json_views.hpp"

namespace memberlist::cli {

/// An event's line for people, without a line end, from its JSON object. Fields that are missing or
/// of another type are left out: the object may come from an agent of another version.
[[nodiscard]] std::string event_text(const Json& event, bool colour);

}  // namespace memberlist::cli
