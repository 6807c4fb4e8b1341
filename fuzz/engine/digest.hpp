#pragma once

#include <cstdint>

#include "memberlist/engine.hpp"

namespace memberlist::fuzz {

/// Adds one output, all of it, to a digest of those before it.
[[nodiscard]] std::uint64_t add_to_digest(std::uint64_t digest, const Output& output);

}  // namespace memberlist::fuzz
