#pragma once

#include <chrono>

#include "memberlist/time.hpp"

namespace memberlist {

/// When the tests of this room begin: any time but the clock's own beginning.
inline constexpr TimePoint kStart{std::chrono::hours(1)};

}  // namespace memberlist
