#include "wire/wire_error.hpp"

#include <fmt/core.h>

namespace memberlist::wire {

std::string WireError::to_string() const { return fmt::format("{} at byte {}", what, offset); }

}  // namespace memberlist::wire
