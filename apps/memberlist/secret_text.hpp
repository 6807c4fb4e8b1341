#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "memberlist/key.hpp"

namespace memberlist::cli {

/// Overwrites text in place, e.g. the base64 of a key.
inline void wipe_text(std::string& text) noexcept { wipe(std::as_writable_bytes(std::span(text))); }

/// Text that is overwritten when it is destroyed. Movable; must be longer than the small-string
/// buffer, or the moved-from place keeps a copy.
class SecretText {
 public:
  explicit SecretText(std::string text) noexcept : text_(std::move(text)) {}
  SecretText(SecretText&&) noexcept = default;
  SecretText& operator=(SecretText&&) = delete;
  ~SecretText() { wipe_text(text_); }

  [[nodiscard]] std::string_view view() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace memberlist::cli
