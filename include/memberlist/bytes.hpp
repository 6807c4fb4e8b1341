#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "memberlist/language.hpp"

namespace memberlist {

/// A view of bytes owned elsewhere.
using BytesView = std::span<const std::byte>;

/// Owned bytes.
using Bytes = std::vector<std::byte>;

/// Views text as bytes; the text must outlive the view.
[[nodiscard]] inline BytesView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Views bytes as text; the bytes must outlive the view, and need not be UTF-8.
[[nodiscard]] inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Copies a view into owned bytes.
[[nodiscard]] inline Bytes to_bytes(BytesView bytes) { return {bytes.begin(), bytes.end()}; }

/// Copies text into owned bytes.
[[nodiscard]] inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

}  // namespace memberlist
