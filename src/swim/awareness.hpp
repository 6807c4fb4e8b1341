#pragma once

#include <algorithm>
#include <cstdint>

#include "memberlist/time.hpp"

namespace memberlist::swim {

/// Lifeguard's local health: a score from 0 (healthy) to `max_multiplier` - 1 that slows this
/// node's own probing down while it seems to be the slow one (protocol section 5).
class Awareness {
 public:
  /// 0 counts as 1: the score stays 0.
  explicit Awareness(std::uint32_t max_multiplier) noexcept
      : max_score_(max_multiplier == 0 ? 0 : max_multiplier - 1) {}

  /// Moves the score, within its limits. True if it changed.
  bool apply_delta(int delta) noexcept {
    const std::int64_t moved = std::int64_t{score_} + delta;
    const auto clamped =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(moved, 0, std::int64_t{max_score_}));
    const bool changed = clamped != score_;
    score_ = clamped;
    return changed;
  }

  [[nodiscard]] std::uint32_t score() const noexcept { return score_; }
  /// `duration` * (score + 1).
  [[nodiscard]] Duration scale(Duration duration) const noexcept {
    return duration * (std::int64_t{score_} + 1);
  }

 private:
  std::uint32_t max_score_;
  std::uint32_t score_ = 0;
};

}  // namespace memberlist::swim
