#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace memberlist {

/// A view of bytes that somebody else owns.
using BytesView = std::span<const std::byte>;

/// Bytes that the holder owns.
using Bytes = std::vector<std::byte>;

/// Views text as bytes; the text must outlive the view.
[[nodiscard]] inline BytesView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Views bytes as text; the bytes must outlive the view, and need not be UTF-8.
[[nodiscard]] inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Copies a view into bytes of its own.
[[nodiscard]] inline Bytes to_bytes(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

/// Copies text into bytes of its own.
[[nodiscard]] inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

}  // namespace memberlist
