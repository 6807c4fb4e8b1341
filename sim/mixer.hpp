#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "memberlist/bytes.hpp"

namespace memberlist::sim {

/// A digest by multiply and shift, eight bytes at a time: quick, and any change shows. No defence
/// against anybody.
class Mixer {
 public:
  explicit Mixer(std::uint64_t state) noexcept : state_(state) {}

  [[nodiscard]] std::uint64_t state() const noexcept { return state_; }
  void number(std::uint64_t value) noexcept {
    state_ = (state_ ^ value) * 0x9e37'79b9'7f4a'7c15U;
    state_ ^= state_ >> 29;
  }
  void bytes(BytesView view) noexcept {
    number(view.size());
    while (!view.empty()) {
      std::uint64_t chunk = 0;
      const std::size_t count = std::min(view.size(), sizeof chunk);
      std::memcpy(&chunk, view.data(), count);
      number(chunk);
      view = view.subspan(count);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace memberlist::sim
