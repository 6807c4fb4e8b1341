#pragma once

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
  bool apply_delta(int delta) noexcept;

  [[nodiscard]] std::uint32_t score() const noexcept { return score_; }
  /// `duration` * (score + 1).
  [[nodiscard]] Duration scale(Duration duration) const noexcept;

 private:
  std::uint32_t max_score_;
  std::uint32_t score_ = 0;
};

}  // namespace memberlist::swim
