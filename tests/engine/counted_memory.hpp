#pragma once

#include <cstddef>

// The memory of a whole program: its operator new counts.
namespace memberlist::testing {

/// Bytes that are allocated at present.
[[nodiscard]] std::size_t live_bytes() noexcept;
/// The most that were allocated at one time since `watch_peak`.
[[nodiscard]] std::size_t peak_bytes() noexcept;
void watch_peak() noexcept;

}  // namespace memberlist::testing
