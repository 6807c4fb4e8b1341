#pragma once

#include <chrono>
#include <cstdint>

#include "memberlist/time.hpp"

namespace memberlist::swim {

/// Limits how often something may happen in one second, counted from its first occurrence.
class RateLimit {
 public:
  explicit RateLimit(std::uint32_t per_second) noexcept : per_second_(per_second) {}

  [[nodiscard]] bool take(TimePoint now) noexcept {
    if (taken_ == 0 || now - begin_ >= std::chrono::seconds(1)) {
      begin_ = now;
      taken_ = 0;
    }
    if (taken_ >= per_second_) return false;
    ++taken_;
    return true;
  }

 private:
  std::uint32_t per_second_;
  std::uint32_t taken_ = 0;
  TimePoint begin_;
};

}  // namespace memberlist::swim
