#pragma once

#include <cstdint>

#include "memberlist/output.hpp"

namespace memberlist::sim {

/// Adds one output, all of it, to a digest of those before it.
[[nodiscard]] std::uint64_t add_to_digest(std::uint64_t digest, const Output& output);

}  // namespace memberlist::sim
