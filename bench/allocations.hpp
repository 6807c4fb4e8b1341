#pragma once

#include <cstdint>

namespace memberlist::bench {

/// How often this program has asked for memory by `operator new` so far (`allocations.cpp`
/// replaces it; what the C library or OpenSSL take by `malloc` is not in it).
[[nodiscard]] std::uint64_t allocation_count() noexcept;
/// How many bytes that were, as the allocator rounds them.
[[nodiscard]] std::uint64_t allocated_bytes() noexcept;
/// How many of them have not been given back.
[[nodiscard]] std::int64_t live_bytes() noexcept;

}  // namespace memberlist::bench
