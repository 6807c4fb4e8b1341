#pragma once

#include <cstddef>
#include <cstdint>

#include "base/random.hpp"

namespace memberlist::sim {

/// What the random choices of a run are about. Each has a generator of its own, so that one more
/// fault changes nothing that another one draws.
enum class Purpose : std::uint64_t {
  starts = 1,
  contacts = 2,
  first_fault = 1'000,
  phases = 2'000
};

/// The generator of one purpose; `offset` is the number of the fault.
[[nodiscard]] Random random_for(std::uint64_t seed, Purpose purpose, std::size_t offset = 0);

}  // namespace memberlist::sim
