#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

#include "memberlist/bytes.hpp"

namespace memberlist::fuzz {

/// Ends the process if an invariant does not hold, in every kind of build: libFuzzer then keeps the
/// input as a finding.
inline void require(bool holds, const char* invariant) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", invariant);
  std::abort();
}

/// The fuzzer's bytes: choices are taken from their front (zeros if they are used up), the rest is
/// what the code under test gets.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) noexcept
      : bytes_(std::as_bytes(std::span(data, size))) {}

  std::uint8_t u8() noexcept {
    if (bytes_.empty()) return 0;
    const auto value = std::to_integer<std::uint8_t>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::uint16_t u16() noexcept {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] BytesView rest() const noexcept { return bytes_; }
  [[nodiscard]] std::string_view text() const noexcept { return as_text(bytes_); }
  /// At most `size` bytes.
  BytesView take(std::size_t size) noexcept {
    const BytesView taken = bytes_.first(size < bytes_.size() ? size : bytes_.size());
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  BytesView bytes_;
};

/// Whether all of `inner` lies in `outer`. A view without data lies everywhere.
[[nodiscard]] inline bool lies_in(BytesView inner, BytesView outer) noexcept {
  if (inner.data() == nullptr) return inner.empty();
  return inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
}

}  // namespace memberlist::fuzz
