#pragma once

#include <cstdint>

namespace memberlist::bench {

/// How often this program has asked for memory by `operator new` so far (`allocations.cpp`
/// replaces it; what the C library or OpenSSL take by `malloc` is not in it).
[[nodiscard]] std::uint64_t allocation_count() noexcept;

}  // namespace memberlist::bench
